package api

import (
	"bytes"
	"encoding/json"
	"errors"
)

// CameraSet is a list of cameras in a body, or null for all of them.
type CameraSet struct {
	Said bool
	IDs  []string // nil = all
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *CameraSet) UnmarshalJSON(data []byte) error {
	s.Said, s.IDs = true, nil
	return json.Unmarshal(data, &s.IDs)
}

// takesNull tells strict that null says something here.
func (*CameraSet) takesNull() {}

// Object is a JSON object that is kept as it came.
type Object json.RawMessage

var errShape = errors.New("of another shape")

// UnmarshalJSON implements json.Unmarshaler.
func (o *Object) UnmarshalJSON(data []byte) error {
	if data = bytes.TrimSpace(data); len(data) == 0 || data[0] != '{' {
		return errShape
	}
	*o = bytes.Clone(data)
	return nil
}

// Points are corners, each of x and y.
type Points [][2]float64

// UnmarshalJSON implements json.Unmarshaler. What encoding/json would fill up or
// cut off is refused.
func (p *Points) UnmarshalJSON(data []byte) error {
	var list [][]*float64
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	out := make(Points, len(list))
	for i, xy := range list {
		if len(xy) != 2 || xy[0] == nil || xy[1] == nil {
			return errShape
		}
		out[i] = [2]float64{*xy[0], *xy[1]}
	}
	*p = out
	return nil
}
