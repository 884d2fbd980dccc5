package mqtt

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Camera is a camera as it is shown.
type Camera struct {
	ID    string
	Name  string
	State string // a word, as the API has it: recording, offline, …
}

// Zone is a zone as it is shown.
type Zone struct {
	ID        string
	Camera    string // id of its camera
	Name      string
	Occupancy int // how many are in it
}

// State is how things are. Its methods may be called from any goroutine.
type State interface {
	Cameras() []Camera
	Zones() []Zone
	// Changed returns a channel that is closed at the next change of either.
	Changed() <-chan struct{}
}

// notConnected are the states of a camera that Home Assistant shows as
// disconnected.
const notConnected = "['offline', 'error', 'connecting']"

// node is the name of this box in the topics of discovery.
func (c *Client) node() string { return "vedette_" + segment(c.o.Box().ID) }

// isDiscovery reports whether topic tells Home Assistant of this box.
func (c *Client) isDiscovery(topic string) bool {
	rest, ok := strings.CutPrefix(topic, c.c.DiscoveryPrefix+"/")
	parts := strings.Split(rest, "/")
	return ok && c.c.DiscoveryPrefix != "" && len(parts) == 4 && parts[1] == c.node() && parts[3] == "config"
}

// retained returns every message that the broker should keep, by topic.
func (c *Client) retained() map[string]string {
	out := map[string]string{c.root + "/status": online}
	if c.o.State == nil {
		c.discover(out, nil, nil)
		return out
	}
	cameras, zones := c.o.State.Cameras(), c.o.State.Zones()
	for _, cam := range cameras {
		out[c.cameraTopic(cam.ID)+"/state"] = cam.State
	}
	for _, z := range zones {
		out[c.zoneTopic(z)] = strconv.Itoa(z.Occupancy)
	}
	c.discover(out, cameras, zones)
	return out
}

func (c *Client) cameraTopic(id string) string { return c.root + "/camera/" + segment(id) }

func (c *Client) zoneTopic(z Zone) string {
	return c.cameraTopic(z.Camera) + "/zone/" + segment(z.ID) + "/occupancy"
}

// device groups entities.
type device struct {
	Identifiers  []string `json:"identifiers"`
	Name         string   `json:"name"`
	Manufacturer string   `json:"manufacturer"`
	Model        string   `json:"model"`
	Via          string   `json:"via_device,omitempty"`
}

type origin struct {
	Name string `json:"name"`
}

// entity is a configuration of Home Assistant's discovery.
type entity struct {
	Name         string   `json:"name"`
	UniqueID     string   `json:"unique_id"`
	StateTopic   string   `json:"state_topic"`
	Template     string   `json:"value_template,omitempty"`
	Class        string   `json:"device_class,omitempty"`
	Category     string   `json:"entity_category,omitempty"`
	StateClass   string   `json:"state_class,omitempty"`
	Icon         string   `json:"icon,omitempty"`
	EventTypes   []string `json:"event_types,omitempty"`
	Availability string   `json:"availability_topic"`
	Device       device   `json:"device"`
	Origin       origin   `json:"origin"`
}

// discover adds the configurations of everything there is to out.
func (c *Client) discover(out map[string]string, cameras []Camera, zones []Zone) {
	if !c.c.Discovery {
		return
	}
	box := c.o.Box()
	node := c.node()
	add := func(component, object string, e entity) {
		e.UniqueID = node + "_" + object
		e.Availability = c.root + "/status"
		e.Origin = origin{"Vedette"}
		data, err := json.Marshal(e)
		if err == nil { // strings only: always
			out[c.c.DiscoveryPrefix+"/"+component+"/"+node+"/"+object+"/config"] = string(data)
		}
	}
	// The type of an event is its severity: Home Assistant wants to know all types
	// in advance, and passes over what it does not know. What happened is in the
	// attributes.
	add("event", "events", entity{
		Name: "Events", StateTopic: c.root + "/event", Icon: "mdi:cctv", EventTypes: []string{"info", "warning", "critical"},
		Template: "{{ {'event_type': value_json.severity, 'type': value_json.type, 'camera': value_json.camera | default(''), 'seq': value_json.seq} | tojson }}",
		Device:   device{Identifiers: []string{node}, Name: box.Name, Manufacturer: "Vedette", Model: "Recorder"},
	})
	devices := map[string]device{}
	for _, cam := range cameras {
		id := segment(cam.ID)
		devices[cam.ID] = device{Identifiers: []string{node + "_" + id}, Name: cam.Name, Manufacturer: "Vedette", Model: "Camera", Via: node}
		add("binary_sensor", id+"_connection", entity{
			Name: "Connection", StateTopic: c.cameraTopic(cam.ID) + "/state", Class: "connectivity", Category: "diagnostic",
			Template: "{{ 'OFF' if value in " + notConnected + " else 'ON' }}", Device: devices[cam.ID],
		})
	}
	for _, z := range zones {
		d, known := devices[z.Camera]
		if !known {
			continue
		}
		add("sensor", segment(z.Camera)+"_"+segment(z.ID)+"_occupancy", entity{
			Name: z.Name + " occupancy", StateTopic: c.zoneTopic(z), StateClass: "measurement", Icon: "mdi:account-group", Device: d,
		})
	}
}
