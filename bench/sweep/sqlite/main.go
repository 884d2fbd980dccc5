// Command sqlite is the baseline of bench/sweep: a sweeper on SQLite that works
// in the way of the reference system: ids at random, times as text, a unique path and
// three indexes over time; twenty at a time, each row by itself. It is a module
// of its own so that the product does not depend on SQLite.
//
//	sqlite fill  DIRECTORY ROWS      makes the index
//	sqlite floor DIRECTORY SEGMENTS  frees that many, asking the disk in between
//	sqlite cap   DIRECTORY SEGMENTS  … summing up all rows in between
package main

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	_ "modernc.org/sqlite"
)

const (
	cameras = 16
	size    = 1 << 20
	began   = int64(1_780_000_000_000) // UTC ms
	minute  = int64(60_000)
	batch   = 20
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: sqlite fill|floor|cap DIRECTORY N")
	}
	n, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	if err := run(os.Args[1], os.Args[2], n); err != nil {
		log.Fatal(err)
	}
}

func run(what, dir string, n int) error {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "index.sqlite")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if what == "fill" {
		return fill(db, n)
	}
	start := time.Now()
	gone, err := sweep(db, dir, n, what == "cap")
	if err != nil {
		return err
	}
	_, err = fmt.Printf("{\"Gone\": %d, \"Seconds\": %f}\n", gone, time.Since(start).Seconds())
	return err
}

// path is that of segment i, as bench/sweep has made it.
func path(i int) string {
	start := time.UnixMilli(began + int64(i/cameras)*minute).UTC()
	return fmt.Sprintf("footage/cam-%02d/%s/%s_%d_%d_%d.mp4", i%cameras, start.Format("2006-01-02"), start.Format("20060102T150405.000Z"), minute, size, i/cameras)
}

func fill(db *sql.DB, n int) error {
	for _, q := range []string{
		`CREATE TABLE segments (id TEXT PRIMARY KEY, camera TEXT NOT NULL, path TEXT NOT NULL UNIQUE,
			began TEXT NOT NULL, ended TEXT NOT NULL, seconds REAL NOT NULL, codec TEXT, width INTEGER, height INTEGER,
			bytes INTEGER NOT NULL, locked INTEGER NOT NULL DEFAULT 0)`,
		`CREATE INDEX by_camera ON segments (camera, began)`,
		`CREATE INDEX by_end ON segments (ended)`,
		`CREATE INDEX by_lock ON segments (locked, ended)`,
	} {
		if _, err := db.Exec(q); err != nil {
			return err
		}
	}
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	insert, err := tx.Prepare(`INSERT INTO segments (id, camera, path, began, ended, seconds, codec, width, height, bytes) VALUES (?, ?, ?, ?, ?, 60, 'h264', 1920, 1080, ?)`)
	if err != nil {
		return err
	}
	ids := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		start := time.UnixMilli(began + int64(i/cameras)*minute).UTC()
		id := fmt.Sprintf("%016x%016x", ids.Uint64(), ids.Uint64()) // at random, as its ids are
		if _, err := insert.Exec(id, fmt.Sprintf("cam-%02d", i%cameras), path(i), start.Format(time.RFC3339Nano), start.Add(time.Minute).Format(time.RFC3339Nano), size); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	_, err = db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
	return err
}

// sweep deletes the oldest twenty again and again: each file, then its row, in a
// transaction of its own; in between it looks whether that is enough.
func sweep(db *sql.DB, dir string, n int, sum bool) (gone int, err error) {
	var all int64
	if err := db.QueryRow(`SELECT COALESCE(SUM(bytes), 0) FROM segments WHERE locked = 0`).Scan(&all); err != nil {
		return 0, err
	}
	for budget := all - int64(n)*size; gone < n; {
		if sum {
			var now int64
			if err := db.QueryRow(`SELECT COALESCE(SUM(bytes), 0) FROM segments WHERE locked = 0`).Scan(&now); err != nil {
				return gone, err
			}
			if now <= budget {
				break
			}
		} else {
			var st syscall.Statfs_t
			if err := syscall.Statfs(dir, &st); err != nil {
				return gone, err
			}
		}
		deleted, err := oldest(db, dir)
		gone += deleted
		if err != nil || deleted == 0 {
			return gone, err
		}
	}
	return gone, nil
}

func oldest(db *sql.DB, dir string) (deleted int, err error) {
	rows, err := db.Query(`SELECT id, path FROM segments WHERE locked = 0 ORDER BY ended LIMIT ?`, batch)
	if err != nil {
		return 0, err
	}
	type victim struct {
		id   string
		path string
	}
	var victims []victim
	for rows.Next() {
		var v victim
		if err := rows.Scan(&v.id, &v.path); err != nil {
			return 0, errors.Join(err, rows.Close())
		}
		victims = append(victims, v)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, err
	}
	for _, v := range victims {
		if err := os.Remove(filepath.Join(dir, v.path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if _, err := db.Exec(`DELETE FROM segments WHERE id = ? AND locked = 0`, v.id); err != nil {
			return deleted, err
		}
		deleted++
	}
	return deleted, nil
}
