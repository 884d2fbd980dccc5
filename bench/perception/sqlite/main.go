// Command detections is the baseline of bench/perception: what workers report in
// SQLite in the way of the reference system: ids at random, times and boxes as text, an
// outbox row and a row for each detection in one transaction for each post. It is
// a module of its own so that the product does not depend on SQLite.
//
//	detections DIRECTORY FULL|NORMAL RATE WINDOW
package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite"
)

// The same as in bench/perception.
const (
	cameras = 8
	each    = 20
	workers = 16
)

func main() {
	if len(os.Args) != 5 {
		log.Fatal("usage: detections DIRECTORY FULL|NORMAL RATE WINDOW")
	}
	rate, err := strconv.Atoi(os.Args[3])
	window, werr := time.ParseDuration(os.Args[4])
	if err = errors.Join(err, werr); err == nil {
		err = run(os.Args[1], os.Args[2], rate, window)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func run(dir, synchronous string, rate int, window time.Duration) error {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "perception.sqlite")+"?_pragma=journal_mode(WAL)&_pragma=synchronous("+synchronous+")")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // one writer, as SQLite has
	for _, q := range []string{
		`CREATE TABLE outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, camera TEXT NOT NULL, task_type TEXT NOT NULL, frame TEXT, payload TEXT NOT NULL, created TEXT NOT NULL)`,
		`CREATE UNIQUE INDEX by_frame ON outbox (camera, task_type, frame)`,
		`CREATE TABLE detections (id TEXT PRIMARY KEY, camera TEXT NOT NULL, task_type TEXT NOT NULL, at TEXT NOT NULL, label TEXT, confidence REAL,
			bbox TEXT, track TEXT, attributes TEXT, frame TEXT)`,
		`CREATE INDEX by_camera ON detections (camera, at)`,
		`CREATE INDEX by_label ON detections (label, at)`,
	} {
		if _, err := db.Exec(q); err != nil {
			return err
		}
	}
	return post(rate, window, func(i int) error { return insert(db, i) })
}

// detection is one in the payload of an outbox row.
type detection struct {
	ID         string         `json:"id"`
	Label      string         `json:"label"`
	Confidence float64        `json:"confidence"`
	Box        [4]float64     `json:"bbox"`
	Track      string         `json:"track_id"`
	Attributes map[string]any `json:"attributes"`
}

// insert keeps post i.
func insert(db *sql.DB, i int) error {
	now := time.Now().UTC()
	camera, frame, at := fmt.Sprintf("camera-%02d", i%cameras), fmt.Sprintf("c%02d-%d", i%cameras, i), now.Add(-80*time.Millisecond).Format(time.RFC3339Nano)
	var all []detection
	for n := range each {
		all = append(all, detection{
			fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()), []string{"person", "car", "dog"}[n%3], float64(i*31+n*17%100) / 1000,
			[4]float64{float64(n) / each, float64(i%97) / 97, 0.13, 0.27}, strconv.Itoa(1000 + n), map[string]any{"source": "detector"},
		})
	}
	payload, err := json.Marshal(map[string]any{"camera_id": camera, "task_type": "detection", "frame_id": frame, "timestamp": at, "detections": all})
	if err != nil {
		return err
	}
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing, once it is committed
	if _, err := tx.Exec(`INSERT INTO outbox (camera, task_type, frame, payload, created) VALUES (?, 'detection', ?, ?, ?)`, camera, frame, payload, now.Format(time.RFC3339Nano)); err != nil {
		return err
	}
	for _, d := range all {
		box, err := json.Marshal(d.Box)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO detections VALUES (?, ?, 'detection', ?, ?, ?, ?, ?, '{"source":"detector"}', ?)`,
			d.ID, camera, at, d.Label, d.Confidence, box, d.Track, frame); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// post is bench/perception's.
func post(rate int, window time.Duration, one func(i int) error) error {
	var next atomic.Int64
	took := make([][]time.Duration, workers)
	errs := make([]error, workers)
	start := time.Now()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for errs[w] == nil {
				i := int(next.Add(1) - 1)
				due := time.Now()
				if rate > 0 {
					due = start.Add(time.Duration(i) * time.Second * each / time.Duration(rate))
					time.Sleep(time.Until(due))
				}
				if due.Sub(start) >= window {
					return
				}
				errs[w] = one(i)
				took[w] = append(took[w], time.Since(due))
			}
		})
	}
	wg.Wait()
	seconds := time.Since(start).Seconds()
	all := slices.Concat(took...)
	slices.Sort(all)
	if err := errors.Join(errs...); err != nil || len(all) == 0 {
		return err
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"Posts": len(all), "Seconds": seconds, "P50": ms(all[len(all)/2]), "P99": ms(all[len(all)*99/100]), "Longest": ms(all[len(all)-1]),
	})
}
