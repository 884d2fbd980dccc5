package detections

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"vedette/internal/faultfs"
)

// random makes a batch by chance, not always in the order of time.
func random(rng *rand.Rand, i int) Batch {
	b := Batch{
		Received: day.Add(time.Duration(i) * time.Second), Time: day.Add(time.Duration(i*1000+rng.IntN(9000)-4500) * time.Millisecond),
		Camera: fmt.Sprintf("cam-%d", rng.IntN(4)), TaskType: "detection",
	}
	if i/100%3 == 1 {
		b.Camera = "cam-1" // stretches in which one camera alone sees something
	}
	for range rng.IntN(6) {
		d := Detection{Label: []string{"person", "car", ""}[rng.IntN(3)]}
		if rng.IntN(5) > 0 {
			v := float32(rng.IntN(11)) / 10
			d.Confidence = &v
		}
		b.Detections = append(b.Detections, d)
	}
	return b
}

// naive answers q from everything, the slow way.
func naive(everything []Batch, q Query) (ids []string) {
	for i := len(everything) - 1; i >= 0; i-- {
		b := everything[i]
		switch {
		case q.Camera != "" && b.Camera != q.Camera,
			!q.From.IsZero() && b.Time.Before(q.From),
			!q.To.IsZero() && !b.Time.Before(q.To):
			continue
		}
		for n := len(b.Detections) - 1; n >= 0; n-- {
			d := b.Detections[n]
			if (q.Label == "" || d.Label == q.Label) && (d.Confidence == nil || *d.Confidence >= q.MinConfidence) {
				ids = append(ids, DetectionID(b.Seq, n))
			}
		}
	}
	return ids
}

func TestAQueryFindsWhatASlowOneFinds(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 5))
	o := small()
	o.ChunkBytes, o.MaxBytes = 80<<10, 1<<30 // some marks in a chunk
	l := attach(t, New(o), disk{faultfs.New(faultfs.Options{})})
	var everything []Batch
	for i := range 4000 {
		b := random(rng, i)
		b.Seq, _ = add(t, l.Log, b)
		everything = append(everything, b)
	}
	_, chunks, err := l.view()
	if err != nil || len(chunks) < 3 || len(chunks[0].marks) < 2 {
		t.Fatalf("%d chunks, %v: too few for the borders", len(chunks), err)
	}
	for n := range 100 {
		q := Query{Limit: 15 + rng.IntN(300)}
		if rng.IntN(3) > 0 {
			q.Camera = fmt.Sprintf("cam-%d", rng.IntN(5)) // one of them does not exist
		}
		if rng.IntN(2) > 0 {
			q.From = day.Add(time.Duration(rng.IntN(4000*1000)) * time.Millisecond)
		}
		if rng.IntN(2) > 0 {
			q.To = day.Add(time.Duration(rng.IntN(4000*1000))*time.Millisecond + time.Duration(rng.IntN(2))*time.Microsecond)
		}
		if rng.IntN(2) > 0 {
			q.Label = []string{"person", "car", "cat"}[rng.IntN(3)]
		}
		q.MinConfidence = float32(rng.IntN(11)) / 10
		l.scan = []int64{1, 50 << 10, 1 << 30}[rng.IntN(3)]
		var got []string
		for pages := 0; ; pages++ {
			rows, next, err := l.Query(t.Context(), q)
			if err != nil || len(rows) > q.Limit || pages > 1500 {
				t.Fatalf("%+v: %d rows on page %d, %v", q, len(rows), pages, err)
			}
			for _, r := range rows {
				got = append(got, r.ID())
				if want := everything[find(everything, r.Batch.Seq)]; r.Batch.Camera != want.Camera || !r.Batch.Time.Equal(want.Time) ||
					!reflect.DeepEqual(r.Detection, want.Detections[r.Index]) || r.Batch.Detections != nil {
					t.Fatalf("%s is %+v %+v, want that of %+v", r.ID(), r.Batch, r.Detection, want)
				}
			}
			if next == "" {
				break
			}
			if l.scan == 1<<30 && len(rows) < q.Limit {
				t.Fatalf("%+v: a page of %d with a next one", q, len(rows))
			}
			q.Cursor = next
		}
		q.Cursor = ""
		if want := naive(everything, q); !reflect.DeepEqual(got, want) {
			t.Fatalf("query %d %+v, scan %d: %d rows, want %d", n, q, l.scan, len(got), len(want))
		}
	}
}

func find(everything []Batch, seq uint64) int {
	return int(seq - everything[0].Seq)
}

func TestAPageGoesOnWhereItEndedWhateverIsAppended(t *testing.T) {
	l := attach(t, New(small()), disk{faultfs.New(faultfs.Options{})})
	var want []string
	for i := range 40 {
		seq, _ := add(t, l.Log, batch(i))
		for n := range i % 4 {
			want = append([]string{DetectionID(seq, n)}, want...)
		}
	}
	q, got := Query{Limit: 2}, []string(nil)
	for i := 0; ; i++ {
		rows, next, err := l.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			got = append(got, r.ID())
		}
		if next == "" {
			break
		}
		q.Cursor = next
		add(t, l.Log, batch(100+i))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestACursorThatIsNoneIsRefused(t *testing.T) {
	l := attach(t, New(small()), disk{faultfs.New(faultfs.Options{})})
	for _, cursor := range []string{"x", "1", ".", "1.", ".1", "1.-1", "1.1.1", "+1.0", "01.0", "1.0 ", "zzzzzzzzzzzzzz.0", "1.zzzzzzzz"} {
		if _, _, err := l.Query(t.Context(), Query{Limit: 1, Cursor: cursor}); !errors.Is(err, ErrCursor) {
			t.Errorf("%q: %v, want ErrCursor", cursor, err)
		}
	}
	for _, p := range []place{{0, 0}, {1<<64 - 1, 1<<31 - 1}, {455133112576000, 19}} {
		if got, err := parsePlace(p.String()); got != p || err != nil {
			t.Errorf("%v = %v, %v", p, got, err)
		}
	}
}

func TestFromCountsAndToDoesNot(t *testing.T) {
	l := attach(t, New(small()), disk{faultfs.New(faultfs.Options{})})
	for i := range 3 {
		b := Batch{Received: day, Time: day.Add(time.Duration(i) * time.Second), Detections: []Detection{{}}}
		add(t, l.Log, b)
	}
	at := func(i int, more time.Duration) time.Time { return day.Add(time.Duration(i)*time.Second + more) }
	for _, c := range []struct {
		name     string
		from, to time.Time
		want     int
	}{
		{"from the first to the last", at(0, 0), at(2, 0), 2},
		{"from the last", at(2, 0), time.Time{}, 1},
		{"from right after the last", at(2, 1), time.Time{}, 0},
		{"from right after the first", at(0, 1), time.Time{}, 2},
		{"to the first", time.Time{}, at(0, 0), 0},
		{"to right after the first", time.Time{}, at(0, 1), 1},
		{"to right after the last", time.Time{}, at(2, 1), 3},
		{"nothing at all", at(1, 0), at(1, 0), 0},
	} {
		rows, _, err := l.Query(t.Context(), Query{From: c.from, To: c.to, Limit: 10})
		if err != nil || len(rows) != c.want {
			t.Errorf("%s: %d rows, %v; want %d", c.name, len(rows), err, c.want)
		}
	}
}
