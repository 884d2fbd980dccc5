package thermal

import (
	"slices"
	"testing"
	"testing/fstest"
)

func TestZones(t *testing.T) {
	sys := fstest.MapFS{}
	for name, text := range map[string]string{
		"thermal_zone10/type": "gpu-thermal", "thermal_zone10/temp": "40000",
		"thermal_zone2/type": "cpu-thermal", "thermal_zone2/temp": "61512",
		"thermal_zone2/trip_point_0_type": "passive", "thermal_zone2/trip_point_0_temp": "70000",
		"thermal_zone2/trip_point_1_type": "critical", "thermal_zone2/trip_point_1_temp": "95000",
		"thermal_zone2/trip_point_2_type": "critical", "thermal_zone2/trip_point_2_temp": "110000",
		"thermal_zone3/type": "loose", "thermal_zone3/temp": "-273000",
		"thermal_zone4/type": "broken", "thermal_zone4/temp": "warm",
		"thermal_zone5/temp": "30000",
		"thermal_zone6/type": "no-trip", "thermal_zone6/temp": "-5000", "thermal_zone6/trip_point_0_type": "critical", "thermal_zone6/trip_point_0_temp": "0",
		"cooling_device0/type": "fan",
	} {
		sys["class/thermal/"+name] = &fstest.MapFile{Data: []byte(text + "\n")}
	}
	got, err := Zones(sys)
	want := []Zone{{"cpu-thermal", 61.512, 95}, {"no-trip", -5, 0}, {"gpu-thermal", 40, 0}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("zones %+v, %v; want %+v", got, err, want)
	}
	if got, err := Zones(fstest.MapFS{}); err != nil || got != nil {
		t.Errorf("of a machine without: %v, %v", got, err)
	}
}
