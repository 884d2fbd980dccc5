package volume

import (
	"errors"
	"math"
	"testing"
)

func TestNamesAreWrittenAndReadBack(t *testing.T) {
	tests := []struct {
		name string
		n    Name
		want string
	}{
		{"a closed segment", Name{Camera: "door", Start: 1795400000123, Duration: 60040, Bytes: 31457280, Seq: 7},
			"footage/door/2026-11-23/20261123T021320.123Z_60040_31457280_7.mp4"},
		{"an open segment", Name{Camera: "door-2", Start: 1795400000000, Seq: 0, Open: true},
			"footage/door-2/2026-11-23/20261123T021320.000Z_0.part"},
		{"a board without a clock", Name{Camera: "a", Start: 0, Duration: 1, Bytes: 2, Seq: math.MaxUint32},
			"footage/a/1970-01-01/19700101T000000.000Z_1_2_4294967295.mp4"},
		{"the last year of four digits", Name{Camera: "a_b", Start: maxStart, Open: true, Seq: 1},
			"footage/a_b/9999-12-31/99991231T235959.999Z_1.part"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.n.Path(); got != tt.want {
				t.Errorf("path %s, want %s", got, tt.want)
			}
			if got, err := ParseName(tt.want); err != nil || got != tt.n {
				t.Errorf("parsed %+v, %v; want %+v", got, err, tt.n)
			}
		})
	}
}

func TestEvidenceIsFoundUnderItsSecondName(t *testing.T) {
	n := Name{Camera: "door", Start: 1795400000123, Duration: 60040, Bytes: 31457280, Seq: 7}
	const base = "20261123T021320.123Z_60040_31457280_7.mp4"
	if got := n.EvidencePath(); got != "evidence/door/"+base {
		t.Errorf("path %s", got)
	}
	if got, err := ParseEvidence("door", base); err != nil || got != n {
		t.Errorf("parsed %+v, %v", got, err)
	}
	for _, bad := range []string{"", "2026", "../../x", base + "x", "20261123T021320.123Z_7.part", "20261123/" + base} {
		if got, err := ParseEvidence("door", bad); !errors.Is(err, ErrName) {
			t.Errorf("%q was read as %+v, %v", bad, got, err)
		}
	}
}

func TestHostileNamesAreRefused(t *testing.T) {
	for _, path := range []string{
		"", "/", ".", "footage", "footage/door", "footage/door/2026-11-23",
		"footage/../door/2026-11-23/20261123T021320.123Z_1_1_1.mp4",
		"footage/../2026-11-23/20261123T021320.123Z_1_1_1.mp4",
		"/footage/door/2026-11-23/20261123T021320.123Z_1_1_1.mp4",
		"evidence/door/2026-11-23/20261123T021320.123Z_1_1_1.mp4",
		"footage/door/2026-11-24/20261123T021320.123Z_1_1_1.mp4",    // another day
		"footage/door/2026-11-23/x/20261123T021320.123Z_1_1_1.mp4",  // deeper
		"footage/door/2026-11-23/20261123T021320.123Z_01_1_1.mp4",   // another spelling
		"footage/door/2026-11-23/20261123T021320.123Z_+1_1_1.mp4",   //
		"footage/door/2026-11-23/20261123T021320.123Z_-1_1_1.mp4",   // negative
		"footage/door/2026-11-23/20261123T021320.123Z_1_-1_1.mp4",   //
		"footage/door/2026-11-23/20261123T021320.123Z_1_1_-1.mp4",   //
		"footage/door/2026-11-23/20261123T021320.123Z_1_1.mp4",      // a field is missing
		"footage/door/2026-11-23/20261123T021320.123Z_1_1_1_1.mp4",  // one too many
		"footage/door/2026-11-23/20261123T021320.123Z_1_1_1.MP4",    //
		"footage/door/2026-11-23/20261123T021320.123Z_1_1_1.part",   // an open one has one field
		"footage/door/2026-11-23/20261123T021320.123Z_1.mp4",        //
		"footage/door/2026-11-23/20261123T021320Z_1_1_1.mp4",        // no milliseconds
		"footage/door/2026-11-23/20261123T021320.123+01_1_1_1.mp4",  //
		"footage/Door/2026-11-23/20261123T021320.123Z_1_1_1.mp4",    // no slug
		"footage/do or/2026-11-23/20261123T021320.123Z_1_1_1.mp4",   //
		"footage/-door/2026-11-23/20261123T021320.123Z_1_1_1.mp4",   //
		"footage/d\x00or/2026-11-23/20261123T021320.123Z_1_1_1.mp4", //
		"footage/door/2026-11-23/20261123T021320.123Z_4294967296_1_1.mp4",
		"footage/door/2026-11-23/20261123T021320.123Z_1_99999999999999999999_1.mp4",
		"footage/door/2026-11-23/20261123T021320.123Z_1_1_4294967296.mp4",
		"footage/door/2026-02-30/20260230T014640.123Z_1_1_1.mp4",
	} {
		if n, err := ParseName(path); !errors.Is(err, ErrName) {
			t.Errorf("%q was read as %+v, %v", path, n, err)
		}
	}
}

func FuzzParseName(f *testing.F) {
	f.Add("footage/door/2026-11-23/20261123T021320.123Z_60040_31457280_7.mp4")
	f.Add("footage/door/2026-11-23/20261123T021320.000Z_0.part")
	f.Add("footage/../../etc/passwd")
	f.Fuzz(func(t *testing.T, path string) {
		n, err := ParseName(path)
		if err != nil {
			return
		}
		if n.Path() != path {
			t.Errorf("%q was read as %+v, which is written %q", path, n, n.Path())
		}
		if n.End() < n.Start {
			t.Errorf("%q ends before it starts", path)
		}
	})
}

func FuzzParseIdentity(f *testing.F) {
	f.Add([]byte(`{"id":"00112233445566778899aabbccddeeff","format":1,"created":"2026-11-23T20:00:00Z"}`))
	f.Add([]byte(`{"id":"..","format":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		id, err := ParseIdentity(data)
		if err == nil && (len(id.ID) != 32 || id.Format != FormatVersion) {
			t.Errorf("accepted %+v", id)
		}
	})
}
