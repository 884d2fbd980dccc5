package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"

	"vedette/perception/events"
	"vedette/perception/notify/delivery"
)

func fails(status int) func(int, delivery.Message) delivery.Outcome {
	return func(int, delivery.Message) delivery.Outcome {
		return delivery.Outcome{Status: status, Err: fmt.Errorf("the server answers %d", status)}
	}
}

func TestEventsAreHandedOverInOrderAndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		h := newHouse(t, map[string]sender{"a": r})
		h.emit(3, events.Info) // before: not for a subscription that begins now
		v := h.add("a", Webhook)
		stop := h.run()
		want := h.emit(700, events.Warning)
		stop()
		if got := r.seqs(); !slices.Equal(got, want) {
			t.Errorf("got %d events, want %d in order", len(got), len(want))
		}
		got, err := h.s.Get(v.ID)
		if err != nil || got.State.Cursor != want[699] || got.State.LastSentAt == nil || got.State.FailingSince != nil {
			t.Errorf("state = %+v, %v; want the cursor at %d", got.State, err, want[699])
		}
	})
}

func TestAttemptsBackOffAndAreGivenUpAfterEight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		bad := fails(503)
		r.answer = func(n int, m delivery.Message) delivery.Outcome {
			if n < 8 {
				return bad(n, m)
			}
			return delivery.Outcome{Verdict: delivery.Sent, Status: 204}
		}
		h := newHouse(t, map[string]sender{"a": r})
		v := h.add("a", Webhook)
		stop := h.run()
		seqs := h.emit(2, events.Info)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got, _ := h.s.Get(v.ID); got.State.FailingSince == nil || got.State.LastError != "the server answers 503" || got.State.Pending != 2 {
			t.Errorf("state while it fails = %+v", got.State)
		}
		time.Sleep(3 * time.Hour)
		stop()
		if want := []int{5, 30, 120, 600, 1800, 1800, 1800, 0}; !slices.Equal(r.gaps(), want) {
			t.Errorf("seconds between attempts = %v, want %v", r.gaps(), want)
		}
		ids := map[string]bool{}
		for _, m := range r.attempts()[:8] {
			ids[m.ID] = true
		}
		if len(ids) != 1 {
			t.Errorf("ids of one delivery = %v, want one", ids)
		}
		if s, _ := h.s.Get(v.ID); s.State.FailingSince != nil || s.State.LastError != "" {
			t.Errorf("state once it works = %+v", s.State)
		}
		// The third is what was emitted about giving up: it is about this one, and
		// so not for it.
		got := h.results(v.ID)
		if len(got) != 9 || got[0] != fmt.Sprintf("sent %d/1", seqs[1]) || got[1] != fmt.Sprintf("given_up %d/8", seqs[0]) || got[8] != fmt.Sprintf("failed %d/1", seqs[0]) {
			t.Errorf("deliveries = %v", got)
		}
		if len(h.own) != 1 || h.own[0].Type != "notification_given_up" || h.own[0].Payload["subscription"] != v.ID {
			t.Errorf("events about it = %+v, want one", h.own)
		}
	})
}

func TestWhatIsRefusedIsGivenUpAtOnceAndToldOfOnceAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{answer: func(int, delivery.Message) delivery.Outcome {
			return delivery.Outcome{Verdict: delivery.Refused, Status: 404, Err: errors.New("the server answers 404")}
		}}
		h := newHouse(t, map[string]sender{"a": r})
		v := h.add("a", Webhook)
		stop := h.run()
		h.emit(30, events.Info)
		time.Sleep(59 * time.Minute)
		h.emit(1, events.Info)
		if len(r.attempts()) != 31 || len(h.own) != 1 {
			t.Errorf("%d attempts and %d events within the hour, want 31 and 1", len(r.attempts()), len(h.own))
		}
		time.Sleep(2 * time.Minute)
		h.emit(1, events.Info)
		stop()
		if len(h.own) != 2 || h.own[1].Payload["times"] != 31 {
			t.Errorf("events = %+v, want a second that stands for 31", h.own)
		}
		if got := h.results(v.ID); len(got) != 32 || !strings.HasPrefix(got[0], "given_up") {
			t.Errorf("deliveries = %v", got)
		}
	})
}

func TestAReceiverMayPutOffTheNextAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		r.answer = func(n int, _ delivery.Message) delivery.Outcome {
			if n == 0 {
				return delivery.Outcome{Status: 429, After: 90 * time.Second, Err: errors.New("the server answers 429")}
			}
			return delivery.Outcome{Verdict: delivery.Sent}
		}
		h := newHouse(t, map[string]sender{"a": r})
		h.add("a", Webhook)
		stop := h.run()
		h.emit(1, events.Info)
		time.Sleep(10 * time.Minute)
		stop()
		if got := r.gaps(); !slices.Equal(got, []int{90}) {
			t.Errorf("seconds between attempts = %v, want 90", got)
		}
	})
}

func TestOneThatHangsDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead, well := &receiver{hang: true}, &receiver{}
		h := newHouse(t, map[string]sender{"dead": dead, "well": well})
		h.add("dead", Webhook)
		h.add("well", Webhook)
		stop := h.run()
		want := h.emit(50, events.Info)
		if got := well.seqs(); !slices.Equal(got, want) {
			t.Errorf("the other got %v, want all %d at once", got, len(want))
		}
		if len(dead.attempts()) != 1 {
			t.Errorf("%d attempts at the one that hangs, want 1", len(dead.attempts()))
		}
		stop() // and it can be stopped
	})
}

// TestARestartLosesNothingAndKeepsOrder stops cleanly while things fail, and goes
// on counting attempts where it was.
func TestARestartLosesNothingAndKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{answer: fails(500)}
		h := newHouse(t, map[string]sender{"a": r})
		v := h.add("a", Webhook)
		stop := h.run()
		r.mu.Lock()
		r.answer = nil
		r.mu.Unlock()
		want := h.emit(3, events.Info)
		r.mu.Lock()
		r.answer = fails(500)
		r.mu.Unlock()
		tail := h.emit(4, events.Info)
		time.Sleep(40 * time.Second) // attempts 1, 2 and 3
		stop()
		before := len(r.attempts())
		h.open()
		if m, _ := h.s.book.mark(v.ID); m.Attempts != 3 || m.Head != tail[0] || m.Cursor != want[2] {
			t.Errorf("mark after the restart = %+v, want 3 attempts at %d behind %d", m, tail[0], want[2])
		}
		r.mu.Lock()
		r.answer = nil
		r.mu.Unlock()
		stop = h.run()
		tail = append(tail, h.emit(1, events.Info)...)
		stop()
		if got := h.results(v.ID); !slices.Contains(got, fmt.Sprintf("sent %d/4", tail[0])) {
			t.Errorf("deliveries = %v, want the fourth attempt to be the one", got)
		}
		if got := r.seqs()[before:]; !slices.Equal(got, tail) {
			t.Errorf("after the restart got %v, want %v", got, tail)
		}
	})
}

// TestAStopWaitsForAnAnswerThatIsOnItsWay stops while a receiver thinks.
func TestAStopWaitsForAnAnswerThatIsOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{answer: func(int, delivery.Message) delivery.Outcome {
			time.Sleep(500 * time.Millisecond)
			return delivery.Outcome{Verdict: delivery.Sent}
		}}
		h := newHouse(t, map[string]sender{"a": &patient{r}})
		h.add("a", Webhook)
		stop := h.run()
		want := h.emit(1, events.Info)
		stop()
		h.open()
		stop = h.run()
		want = append(want, h.emit(1, events.Info)...)
		time.Sleep(time.Second)
		stop()
		if got := r.seqs(); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v: nothing again", got, want)
		}
	})
}

// patient is a receiver whose answers are lost to who does not wait for them.
type patient struct{ *receiver }

func (p *patient) Send(ctx context.Context, m delivery.Message) delivery.Outcome {
	out := p.receiver.Send(ctx, m)
	if ctx.Err() != nil {
		return delivery.Outcome{Err: ctx.Err()}
	}
	return out
}

// TestACrashBetweenSendingAndNotingRepeatsUnderTheSameID cuts the power before the
// mark is durable.
func TestACrashBetweenSendingAndNotingRepeatsUnderTheSameID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		h := newHouse(t, map[string]sender{"a": r})
		v := h.add("a", Webhook)
		stop := h.run()
		h.emit(1, events.Info)
		time.Sleep(5 * time.Second) // this one is durable
		crashed := h.s
		crashed.book.write.Lock() // from here on the disk takes nothing
		crashed.book.update = func(func(*bolt.Tx) error) error { return errors.New("power lost") }
		crashed.book.write.Unlock()
		lost := h.emit(2, events.Info)
		if err := h.log.Flush(); err != nil {
			t.Fatal(err)
		}
		if len(r.attempts()) != 3 {
			t.Fatalf("%d attempts before the crash, want 3", len(r.attempts()))
		}
		stop()
		h.open() // the new process reads what is durable
		again := h.run()
		fresh := h.emit(1, events.Info)
		again()
		got := r.attempts()
		if want := slices.Concat(lost, lost, fresh); !slices.Equal(r.seqs()[1:], want) {
			t.Fatalf("got %v, want %v", r.seqs()[1:], want)
		}
		if got[1].ID != got[3].ID || got[2].ID != got[4].ID || got[1].ID == got[2].ID || !strings.HasPrefix(got[1].ID, v.ID) {
			t.Errorf("ids = %s %s, then %s %s; want the same", got[1].ID, got[2].ID, got[3].ID, got[4].ID)
		}
	})
}

func TestOfTooManyTheOldestThatAreNotCriticalAreSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{answer: fails(500)}
		h := newHouse(t, map[string]sender{"a": r})
		v := h.add("a", Webhook)
		stop := h.run()
		head := h.emit(1, events.Info)
		alarms := h.emit(5, events.Critical)
		h.emit(600, events.Info)
		rest := h.emit(900, events.Info)
		time.Sleep(2 * time.Second)
		if got, _ := h.s.Get(v.ID); got.State.Pending != 1000 {
			t.Errorf("%d pending, want 1000", got.State.Pending)
		}
		r.mu.Lock()
		r.answer = nil
		r.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		stop()
		want := slices.Concat(head, head, alarms, rest) // 1 + 5 + 994 stay: of the 600, 94 do
		got := r.seqs()
		if len(got) != 1001 || !slices.Equal(got[:7], want[:7]) || !slices.Equal(got[101:], rest) {
			t.Errorf("got %d events, %v…; want 1001, first %v, last the newest 900", len(got), got[:7], want[:7])
		}
		all, _ := h.s.Deliveries(t.Context(), v.ID, 1000)
		skipped := 0
		for _, d := range all {
			if d.Result == ResultSkipped {
				skipped += max(d.Events, 1)
			}
		}
		// The deliveries behind it pushed the first ones out; what says so lasts.
		if skipped == 0 || skipped > 506 {
			t.Errorf("the ledger tells of %d skipped, want up to 506", skipped)
		}
	})
}

func TestQueueShedsTheOldestButKeepsWhatIsBeingSentAndWhatIsCritical(t *testing.T) {
	refs := func(n int, critical func(int) bool) (q queue) {
		for i := range n {
			q.refs = append(q.refs, waiting{uint64(i + 1), critical(i)})
		}
		return q
	}
	none := func(int) bool { return false }
	tests := []struct {
		name     string
		n, busy  int
		critical func(int) bool
		first    []uint64 // what is dropped first
		dropped  int
	}{
		{"at the bound nothing goes", mostWaiting, 1, none, nil, 0},
		{"one above it, the oldest behind what is being sent", mostWaiting + 1, 1, none, []uint64{2}, 1},
		{"nothing is being sent: the oldest", mostWaiting + 1, 0, none, []uint64{1}, 1},
		{"critical ones stay", mostWaiting + 3, 0, func(i int) bool { return i < 10 }, []uint64{11, 12, 13}, 3},
		{"if all are critical, all stay", mostWaiting + 3, 0, func(int) bool { return true }, nil, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := refs(tt.n, tt.critical)
			got := q.shed(tt.busy)
			if len(got) != tt.dropped || !slices.Equal(got, tt.first) || len(q.refs) != tt.n-tt.dropped {
				t.Errorf("dropped %v, %d left; want %v", got, len(q.refs), tt.first)
			}
		})
	}
}

func TestWhatASubscriptionIsAboutIsNotSentToIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuse := func(int, delivery.Message) delivery.Outcome {
			return delivery.Outcome{Verdict: delivery.Refused, Err: errors.New("no")}
		}
		bad, other := &receiver{answer: refuse}, &receiver{}
		h := newHouse(t, map[string]sender{"bad": bad, "other": other})
		h.add("bad", Webhook)
		h.add("other", Webhook)
		stop := h.run()
		h.emit(1, events.Info)
		time.Sleep(24 * time.Hour)
		stop()
		if len(bad.attempts()) != 1 || len(other.attempts()) != 2 {
			t.Errorf("%d to the failing one and %d to the other, want 1 and 2", len(bad.attempts()), len(other.attempts()))
		}
	})
}

// TestAMarkThatCannotBeTrueIsNotBelieved has one lost, and one that is ahead of
// everything: neither sends all again, or nothing ever.
func TestAMarkThatCannotBeTrueIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost, ahead := &receiver{}, &receiver{}
		h := newHouse(t, map[string]sender{"lost": lost, "ahead": ahead})
		a, b := h.add("lost", Webhook), h.add("ahead", Webhook)
		h.emit(5, events.Info)
		delete(h.s.book.marks, a.ID)
		h.s.book.marks[b.ID] = mark{Cursor: 1 << 60}
		stop := h.run()
		want := h.emit(2, events.Info)
		stop()
		if !slices.Equal(lost.seqs(), want) || !slices.Equal(ahead.seqs(), want) {
			t.Errorf("got %v and %v, want %v", lost.seqs(), ahead.seqs(), want)
		}
	})
}

// TestWhatLeftTheLogIsToldOfAndNotSentAsAnother prunes events that wait.
func TestWhatLeftTheLogIsToldOfAndNotSentAsAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(27 * 365 * 24 * time.Hour) // a clock that has been set
		r := &receiver{answer: fails(500)}
		h := newHouse(t, map[string]sender{"a": r})
		v := h.add("a", Webhook)
		stop := h.run()
		h.emit(4, events.Info)
		time.Sleep(time.Minute)
		want := h.emit(1, events.Info)
		if err := h.log.Flush(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // what is durable now wakes those who follow
		h.log.Unfollow("notify/" + v.ID)
		if n, err := h.log.PruneBefore(t.Context(), time.Now().Add(-time.Second), 100); n != 4 || err != nil {
			t.Fatalf("pruned %d, %v", n, err)
		}
		stop()
		h.open() // what it has in memory is gone
		h.s.book.marks[v.ID] = mark{}
		r.mu.Lock()
		r.answer, r.got = nil, nil
		r.mu.Unlock()
		stop = h.run()
		want = append(want, h.emit(1, events.Info)...)
		stop()
		if got := r.seqs(); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		w := &worker{s: h.s, sub: v.Subscription, log: h.s.o.Log, q: queue{refs: []waiting{{2, false}, {4, false}, {want[0], false}}}}
		if m, gone := w.load(1); m != nil || gone != 1 {
			t.Errorf("load of one that is gone = %v, %d", m, gone)
		}
		if m, gone := w.load(3); m == nil || gone != 2 || len(m.Events) != 1 || m.Events[0].Seq != want[0] || w.skipped != 3 {
			t.Errorf("load = %+v, %d gone, %d to tell of", m, gone, w.skipped)
		}
	})
}

func TestMailWaitsForCompany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		h := newHouse(t, map[string]sender{"a": r})
		h.add("a", Mail)
		stop := h.run()
		h.emit(2, events.Info)
		time.Sleep(59 * time.Second)
		h.emit(1, events.Info)
		if n := len(r.attempts()); n != 0 {
			t.Errorf("%d mails within the minute, want none yet", n)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		h.emit(1, events.Critical) // soon after a mail: waits all the same
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(r.attempts()); n != 1 {
			t.Errorf("%d mails, want 1: no two within a minute", n)
		}
		time.Sleep(10 * time.Minute)
		h.emit(2, events.Critical)
		time.Sleep(6 * time.Second)
		stop()
		var sizes []int
		for _, m := range r.attempts() {
			sizes = append(sizes, len(m.Events))
		}
		if !slices.Equal(sizes, []int{3, 1, 2}) {
			t.Errorf("events of the mails = %v, want 3, 1, and 2 critical ones at once", sizes)
		}
	})
}

func TestWithoutAConnectionNothingIsAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{receiver{ready: make(chan struct{})}}
		l.answer = func(int, delivery.Message) delivery.Outcome {
			select {
			case <-l.Ready():
				return delivery.Outcome{Verdict: delivery.Sent}
			default:
				return delivery.Outcome{Verdict: delivery.Down, Err: errors.New("not connected")}
			}
		}
		h := newHouse(t, map[string]sender{"a": l})
		v := h.add("a", MQTT)
		stop := h.run()
		seqs := h.emit(1, events.Info)
		time.Sleep(23 * time.Hour)
		close(l.ready)
		synctest.Wait()
		if got := h.results(v.ID); !slices.Equal(got, []string{fmt.Sprintf("sent %d/1", seqs[0]), fmt.Sprintf("failed %d/0", seqs[0])}) {
			t.Errorf("deliveries = %v, want it sent at once when the connection came", got)
		}
		l.mu.Lock()
		l.ready = make(chan struct{})
		l.mu.Unlock()
		h.emit(1, events.Info)
		time.Sleep(24*time.Hour + time.Minute)
		synctest.Wait()
		if got := h.results(v.ID); !strings.HasPrefix(got[0], "given_up") {
			t.Errorf("deliveries = %v, want it given up after a day", got)
		}
		if _, err := h.s.Update(t.Context(), v.ID, func(s *Subscription) error { s.Enabled = false; return nil }); err != nil || !l.left {
			t.Errorf("disabled: left = %v, %v; want what it left behind cleared", l.left, err)
		}
		stop()
	})
}

func TestAConnectionThatComesAndGoesIsToldOfOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := make(chan struct{})
		close(up)
		l := &line{receiver{ready: up}}
		l.answer = func(n int, _ delivery.Message) delivery.Outcome {
			if n < 3 {
				return delivery.Outcome{Verdict: delivery.Down, Err: errors.New("the connection is lost")}
			}
			return delivery.Outcome{Verdict: delivery.Sent}
		}
		h := newHouse(t, map[string]sender{"a": l})
		v := h.add("a", MQTT)
		stop := h.run()
		seq := h.emit(1, events.Info)[0]
		stop()
		if got := h.results(v.ID); !slices.Equal(got, []string{fmt.Sprintf("sent %d/1", seq), fmt.Sprintf("failed %d/0", seq)}) {
			t.Errorf("deliveries = %v, want one that failed", got)
		}
	})
}

func TestNothingIsSentThatAPowerCutCouldTakeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		h := newHouse(t, map[string]sender{"a": r})
		h.add("a", Webhook)
		stop := h.run()
		h.log.Emit(events.Event{Type: "zone_enter"})
		synctest.Wait()
		if n := len(r.attempts()); n != 0 {
			t.Errorf("%d attempts before the event is durable", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := len(r.attempts()); n != 1 {
			t.Errorf("%d attempts once it is, want 1", n)
		}
		stop()
	})
}

func TestUnreadEventsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{answer: fails(500)}
		h := newHouse(t, map[string]sender{"a": r})
		time.Sleep(27 * 365 * 24 * time.Hour) // a clock that has been set
		later := time.Now().Add(time.Hour)
		h.emit(2, events.Info)
		v := h.add("a", Webhook)
		stop := h.run()
		h.emit(3, events.Info)
		if err := h.log.Flush(); err != nil {
			t.Fatal(err)
		}
		if n, err := h.log.PruneBefore(t.Context(), later, 100); n != 2 || err != nil {
			t.Errorf("pruned %d, %v; want only the 2 from before", n, err)
		}
		if err := h.s.Delete(t.Context(), v.ID); err != nil {
			t.Fatal(err)
		}
		if n, err := h.log.PruneBefore(t.Context(), later, 100); n != 2 || err != nil {
			t.Errorf("pruned %d, %v once nobody follows; want all but the newest, 2", n, err)
		}
		stop()
	})
}

// TestSkippingCostsFewWrites counts transactions: what is not for a subscription
// moves its mark at most every 30 s, and a burst of deliveries shares them.
func TestSkippingCostsFewWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		h := newHouse(t, map[string]sender{"a": r})
		v := h.add("a", Webhook)
		if _, err := h.s.Update(t.Context(), v.ID, func(s *Subscription) error { s.MinSeverity = events.Warning; return nil }); err != nil {
			t.Fatal(err)
		}
		var commits atomic.Int64
		write := h.s.book.update
		h.s.book.update = func(f func(*bolt.Tx) error) error { commits.Add(1); return write(f) }
		during := func(f func()) int64 { before := commits.Load(); f(); return commits.Load() - before }
		stop := h.run()
		idle := during(func() { // 60 s of what is not for it
			for range 60 {
				h.emit(1, events.Info)
				time.Sleep(time.Second)
			}
		})
		if idle > 3 {
			t.Errorf("%d commits in a minute of events for others, want 2", idle)
		}
		if got, _ := h.s.Get(v.ID); got.State.Cursor != h.log.Last() {
			t.Errorf("cursor %d, want %d: what is for others is done", got.State.Cursor, h.log.Last())
		}
		burst := during(func() {
			for range 10 {
				h.emit(20, events.Warning)
				time.Sleep(100 * time.Millisecond)
			}
			time.Sleep(2 * time.Second)
		})
		if burst > 4 {
			t.Errorf("%d commits for 200 deliveries in a second, want 2 or 3", burst)
		}
		if quiet := during(func() { time.Sleep(10 * time.Minute); synctest.Wait() }); quiet != 0 {
			t.Errorf("%d commits while nothing happens", quiet)
		}
		stop()
		if n := len(r.attempts()); n != 200 {
			t.Errorf("%d deliveries, want 200", n)
		}
	})
}
