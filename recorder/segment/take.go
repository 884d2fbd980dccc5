package segment

import "vedette/recorder/hub"

// take moves what waits in the hub through the writer. One that catches up with
// the past stops where the volume has enough to do, and goes on later: all at
// once is more than the volume's queue takes. all says that there is no later.
// mu is held.
func (w *Writer) take(all bool) {
	for w.fetch() {
		for len(w.backlog) > 0 && !w.over {
			if w.catching && !all && w.o.Volume.Busy(w.o.Camera) {
				return
			}
			it := w.backlog[0]
			w.backlog[0] = hub.Item{}
			w.backlog = w.backlog[1:]
			w.item(it)
		}
		if !w.catching || w.over {
			break // what came meanwhile has time
		}
	}
	w.backlog, w.catching = nil, false // behind the end it is for whoever goes on
	w.ending = w.ending || w.finishing
	w.endIfIdle()
}

// fetch reports whether there is something to be moved.
func (w *Writer) fetch() bool {
	if len(w.backlog) > 0 {
		return true
	}
	items, err := w.reader.Take(w.items[:0])
	if err != nil {
		return false // closed: Run is over
	}
	w.dropped = w.reader.Dropped()
	w.items, w.backlog = items, items
	return len(items) > 0
}

func (w *Writer) item(it hub.Item) {
	if it.Gap {
		w.lose(Overload)
	}
	if it.Unit == nil {
		w.endRun(Camera)
	} else {
		w.unit(it.Unit)
	}
}

// behind reports whether there is more to be moved, though the hub need not say
// so.
func (w *Writer) behind() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.backlog) > 0
}
