package panel

import (
	"context"
	"maps"
	"strings"
	"time"
)

// Detections is what was seen in one picture, for whoever looks at the camera.
type Detections struct {
	Camera   string // id
	Captured time.Time
	TaskType string
	Boxes    []Box
}

// Box is one thing that was seen. Its JSON is what the panel draws.
type Box struct {
	Label      string      `json:"label"`
	Confidence *float32    `json:"confidence"` // nil: not said
	Box        *[4]float32 `json:"bbox"`       // x, y, width, height, each 0 to 1; nil: not said
	Track      string      `json:"track_id,omitempty"`
}

const (
	boxTopic    = "detections/" // and the id of a camera
	maxTopics   = 64            // of one socket
	maxTopic    = 64            // bytes of a camera's id
	maxWaiting  = 1024          // pictures that wait for the next look
	maxBoxes    = 200           // shown of one picture
	timeOfBoxes = "2006-01-02T15:04:05.000Z"
)

// Show tells those who look at the camera what was seen there. It does not wait for
// them: of what comes faster than the panel sends, the newest of each type of task
// wins. It keeps d until then.
func (p *Panel) Show(d Detections) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := d.Camera + " " + d.TaskType
	if _, there := p.waiting[key]; !there && (len(p.waiting) >= maxWaiting || !p.looked(d.Camera)) {
		return
	}
	p.waiting[key] = d
	select {
	case p.boxed <- struct{}{}:
	default:
	}
}

// Looked reports whether anybody looks at what is seen by a camera. It is cheap.
func (p *Panel) Looked(camera string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.looked(camera)
}

func (p *Panel) looked(camera string) bool {
	for c := range p.sockets {
		if c.topics[camera] {
			return true
		}
	}
	return false
}

// sendBoxes sends what waits, no more often than every calm, until ctx is done.
func (p *Panel) sendBoxes(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.boxed:
		}
		p.flushBoxes()
		select {
		case <-ctx.Done():
			return
		case <-time.After(calm):
		}
	}
}

func (p *Panel) flushBoxes() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, d := range p.waiting {
		delete(p.waiting, key)
		data := p.encode("detections", struct {
			Camera   string `json:"camera_id"`
			Captured string `json:"captured_at"`
			TaskType string `json:"task_type"`
			Boxes    []Box  `json:"detections"`
		}{d.Camera, d.Captured.UTC().Format(timeOfBoxes), d.TaskType, append([]Box{}, d.Boxes[:min(len(d.Boxes), maxBoxes)]...)})
		if data == nil {
			continue
		}
		for c := range p.sockets {
			if c.topics[d.Camera] && c.who.Sees(d.Camera) {
				c.push(message{t: "detections", key: "detections " + key, d: data})
			}
		}
	}
}

type topicsData struct {
	Topics []string `json:"topics"`
}

// follow begins or ends to send what a browser asks for by topics.
func (c *client) follow(e envelope) {
	var d topicsData
	if err := parse(e.D, &d); err != nil || len(d.Topics) > maxTopics {
		c.refuse(e.ID, "bad_message", "sub and unsub take topics, at most 64.")
		return
	}
	cameras := make([]string, len(d.Topics))
	for i, t := range d.Topics {
		id, ok := strings.CutPrefix(t, boxTopic)
		switch {
		case !ok || id == "" || len(id) > maxTopic:
			c.refuse(e.ID, "unknown_topic", "There is no topic of this name.")
			return
		case !c.who.Sees(id):
			c.refuse(e.ID, "forbidden", "You may not see this camera.")
			return
		}
		cameras[i] = id
	}
	if !c.setTopics(cameras, e.T == "sub") {
		c.refuse(e.ID, "too_many_topics", "A panel may follow at most 64 topics.")
	}
}

// setTopics reports false, and changes nothing, if they would be too many.
func (c *client) setTopics(cameras []string, on bool) bool {
	c.panel.mu.Lock()
	defer c.panel.mu.Unlock()
	if !on {
		for _, id := range cameras {
			delete(c.topics, id)
		}
		return true
	}
	all := maps.Clone(c.topics)
	for _, id := range cameras {
		all[id] = true
	}
	if len(all) > maxTopics {
		return false
	}
	c.topics = all
	return true
}
