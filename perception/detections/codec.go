package detections

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"time"
)

// A record is a prefix (length and CRC32C of the payload, the number of the
// batch) and a payload. Zeros where a length should be are the end of what was written.
const (
	prefixBytes = 16
	maxPayload  = 2 << 20
	version     = 1
)

// Flags of a batch, and of a detection.
const (
	batchTicketed = 1 << iota
	batchEvent

	hasConfidence = 1 << 0
	hasBox        = 1 << 1
	hasTrack      = 1 << 2
)

var errRecord = errors.New("not a record")

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) } // made once, by crc32 itself

// head is what a batch is looked for by. Its strings may share the payload.
type head struct {
	received, time int64 // UTC ms
	camera         string
	taskType       string
	frame          string // "" = no id
}

// wait encodes b.
func wait(b *Batch) (*waiting, error) {
	payload := encode(make([]byte, 0, 128+48*len(b.Detections)), b)
	if len(payload) > maxPayload {
		return nil, fmt.Errorf("%w: %d bytes in the log, at most %d", ErrTooLarge, len(payload), maxPayload)
	}
	return &waiting{
		head:    head{b.Received.UnixMilli(), b.Time.UnixMilli(), b.Camera, b.TaskType, b.FrameID},
		n:       len(b.Detections),
		payload: payload,
		sum:     crc32.Checksum(payload, castagnoli()),
		done:    make(chan struct{}),
	}, nil
}

func recordBytes(w *waiting) int { return prefixBytes + len(w.payload) }

// appendRecord appends w as number seq. The sum covers number and length too, so
// that no record is taken for another one.
func appendRecord(to []byte, w *waiting, seq uint64) []byte {
	var p [prefixBytes]byte
	binary.LittleEndian.PutUint32(p[0:], uint32(len(w.payload)))
	binary.LittleEndian.PutUint64(p[8:], seq)
	binary.LittleEndian.PutUint32(p[4:], sealPrefix(w.sum, p[:]))
	return append(append(to, p[:]...), w.payload...)
}

// sealPrefix extends the sum of a payload by the number and the length in prefix p.
func sealPrefix(sum uint32, p []byte) uint32 {
	sum = crc32.Update(sum, castagnoli(), p[8:16])
	return crc32.Update(sum, castagnoli(), p[0:4])
}

// record is one record in a buffer, which it shares.
type record struct {
	seq     uint64
	payload []byte
	sum     uint32
	prefix  []byte
}

func (r *record) bytes() int { return prefixBytes + len(r.payload) }

// whole reports whether the record is what was written.
func (r *record) whole() bool {
	return sealPrefix(crc32.Checksum(r.payload, castagnoli()), r.prefix) == r.sum
}

// nextRecord returns the record that data begins with. It is short if data does
// not hold all of it, and not ok if there is none.
func nextRecord(data []byte) (r record, short, ok bool) {
	if len(data) < prefixBytes {
		return r, true, false
	}
	n := binary.LittleEndian.Uint32(data)
	if n == 0 || n > maxPayload {
		return r, false, false
	}
	if len(data) < prefixBytes+int(n) {
		return r, true, false
	}
	return record{
		seq: binary.LittleEndian.Uint64(data[8:]), sum: binary.LittleEndian.Uint32(data[4:]),
		payload: data[prefixBytes : prefixBytes+int(n)], prefix: data[:prefixBytes],
	}, false, true
}

// encode appends the payload of b: first what batches are looked for by.
func encode(to []byte, b *Batch) []byte {
	var flags byte
	if b.Ticketed {
		flags |= batchTicketed
	}
	if b.Event != nil {
		flags |= batchEvent
	}
	received, taken := b.Received.UnixMilli(), b.Time.UnixMilli()
	to = append(to, version, flags)
	to = binary.LittleEndian.AppendUint64(to, uint64(received))
	to = binary.AppendVarint(to, taken-received)
	for _, s := range [...]string{b.Camera, b.TaskType, b.FrameID, b.TaskID, b.Profile, b.Producer.ID, b.Producer.Name} {
		to = appendText(to, s)
	}
	to = binary.AppendUvarint(to, b.FrameSeq)
	to = binary.AppendUvarint(to, uint64(len(b.Detections)))
	var texts words
	for i := range b.Detections {
		to = encodeDetection(to, &b.Detections[i], &texts)
	}
	if b.Event != nil {
		to = appendText(to, b.Event.Type)
		to = appendText(to, b.Event.Severity)
		to = appendText(to, string(b.Event.Payload))
	}
	return to
}

func encodeDetection(to []byte, d *Detection, texts *words) []byte {
	var flags byte
	if d.Confidence != nil {
		flags |= hasConfidence
	}
	if d.Box != nil {
		flags |= hasBox
	}
	if d.Track != "" {
		flags |= hasTrack
	}
	to = append(to, flags)
	to = texts.append(to, d.Label)
	to = texts.append(to, string(d.Attributes))
	if d.Confidence != nil {
		to = binary.LittleEndian.AppendUint32(to, math.Float32bits(*d.Confidence))
	}
	if d.Box != nil {
		for _, v := range d.Box {
			to = binary.LittleEndian.AppendUint32(to, math.Float32bits(v))
		}
	}
	if d.Track != "" {
		to = appendText(to, d.Track)
	}
	return to
}

// words are the texts of a batch that come again: labels and attributes. Number
// 0 is a new one, which follows; 1 is the empty one; others count from 2.
type words struct{ seen []string }

// maxWords bounds the search for a word; later ones are written out.
const maxWords = 64

func (w *words) append(to []byte, s string) []byte {
	if s == "" {
		return append(to, 1)
	}
	for i, old := range w.seen {
		if old == s {
			return binary.AppendUvarint(to, uint64(i)+2)
		}
	}
	if len(w.seen) < maxWords {
		w.seen = append(w.seen, s)
	}
	return appendText(append(to, 0), s)
}

func appendText(to []byte, s string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}

// reader takes a payload apart; once bad it returns zeros.
type reader struct {
	data []byte
	bad  bool
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.data)) {
		r.bad, r.data = true, nil
		return nil
	}
	p := r.data[:n]
	r.data = r.data[n:]
	return p
}

func (r *reader) byte() byte {
	if p := r.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.bad, r.data = true, nil
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.data)
	if n <= 0 {
		r.bad, r.data = true, nil
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *reader) uint32() uint32 {
	if p := r.take(4); p != nil {
		return binary.LittleEndian.Uint32(p)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if p := r.take(8); p != nil {
		return binary.LittleEndian.Uint64(p)
	}
	return 0
}

func (r *reader) float() float32 { return math.Float32frombits(r.uint32()) }
func (r *reader) bytes() []byte  { return r.take(r.uvarint()) }
func (r *reader) text() string   { return string(r.bytes()) }

func (r *reader) word(w *words) string {
	switch k := r.uvarint(); {
	case k == 0:
		s := r.text()
		if len(w.seen) < maxWords {
			w.seen = append(w.seen, s)
		}
		return s
	case k == 1:
		return ""
	case k-2 < uint64(len(w.seen)):
		return w.seen[k-2]
	default:
		r.bad, r.data = true, nil
		return ""
	}
}

// keys are the first fields of a payload, which they share.
type keys struct {
	flags                   byte
	received, time          int64
	camera, taskType, frame []byte
}

func (r *reader) keys() (k keys) {
	if r.byte() != version {
		r.bad, r.data = true, nil
	}
	k.flags = r.byte()
	k.received = int64(r.uint64())
	k.time = k.received + r.varint()
	k.camera, k.taskType, k.frame = r.bytes(), r.bytes(), r.bytes()
	return k
}

// keysOf returns false for what is not a payload of this version.
func keysOf(payload []byte) (keys, bool) {
	r := reader{data: payload}
	k := r.keys()
	return k, !r.bad
}

func (k keys) head() head {
	return head{k.received, k.time, string(k.camera), string(k.taskType), string(k.frame)}
}

// decode returns the batch in a payload; it shares nothing with it.
func decode(seq uint64, payload []byte) (b Batch, err error) {
	r := reader{data: payload}
	k := r.keys()
	b = Batch{
		Seq: seq, Received: time.UnixMilli(k.received).UTC(), Time: time.UnixMilli(k.time).UTC(),
		Camera: string(k.camera), TaskType: string(k.taskType), FrameID: string(k.frame), Ticketed: k.flags&batchTicketed != 0,
	}
	b.TaskID, b.Profile = r.text(), r.text()
	b.Producer = Producer{r.text(), r.text()}
	b.FrameSeq = r.uvarint()
	// A detection takes three bytes at least: that bounds what a wrong number costs.
	n := r.uvarint()
	if n > uint64(len(r.data))/3 {
		return Batch{}, fmt.Errorf("batch %d: %w", seq, errRecord)
	}
	if n > 0 {
		b.Detections = make([]Detection, 0, n)
	}
	var texts words
	for range n {
		b.Detections = append(b.Detections, r.detection(&texts))
	}
	if k.flags&batchEvent != 0 {
		b.Event = &WorkerEvent{r.text(), r.text(), raw(r.text())}
	}
	if r.bad || len(r.data) > 0 {
		return Batch{}, fmt.Errorf("batch %d: %w", seq, errRecord)
	}
	return b, nil
}

func (r *reader) detection(texts *words) (d Detection) {
	flags := r.byte()
	d.Label = r.word(texts)
	d.Attributes = raw(r.word(texts))
	if flags&hasConfidence != 0 {
		v := r.float()
		d.Confidence = &v
	}
	if flags&hasBox != 0 {
		d.Box = &[4]float32{r.float(), r.float(), r.float(), r.float()}
	}
	if flags&hasTrack != 0 {
		d.Track = r.text()
	}
	return d
}

func raw(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return json.RawMessage(s)
}
