package api

import "net/http"

func (s *server) listZones(w http.ResponseWriter, r *http.Request) error {
	zones, err := s.zones(r)
	if err != nil {
		return err
	}
	list, err := zones.Zones(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	out := make([]Zone, len(list))
	for i, z := range list {
		out[i] = zoneView(z)
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func zoneView(z Zone) Zone {
	z.Labels, z.Points = notNil(z.Labels), notNil(z.Points)
	return z
}

func (s *server) addZone(w http.ResponseWriter, r *http.Request) error {
	zones, err := s.zones(r)
	if err != nil {
		return err
	}
	var in ZoneInput
	if err := decodeUpTo(w, r, &in, maxZoneBody); err != nil {
		return err
	}
	switch {
	case in.Name == nil:
		return needed("name", "")
	case in.Kind == nil:
		return needed("kind", "")
	case in.Points == nil:
		return needed("points", "")
	}
	z, err := zones.AddZone(r.Context(), r.PathValue("id"), in)
	if err != nil {
		return err
	}
	target(r, z.ID)
	writeJSON(w, http.StatusCreated, zoneView(z))
	return nil
}

func (s *server) changeZone(w http.ResponseWriter, r *http.Request) error {
	zones, err := s.zones(r)
	if err != nil {
		return err
	}
	var in ZoneInput
	if err := decodeUpTo(w, r, &in, maxZoneBody); err != nil {
		return err
	}
	detail(r, "fields", fieldsSaid(in))
	if in.Kind != nil {
		return badField("kind", "The kind of a zone cannot be changed; add another one.")
	}
	z, err := zones.ChangeZone(r.Context(), r.PathValue("zone"), in)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, zoneView(z))
	return nil
}

func (s *server) removeZone(w http.ResponseWriter, r *http.Request) error {
	zones, err := s.zones(r)
	if err != nil {
		return err
	}
	if err := zones.RemoveZone(r.Context(), r.PathValue("zone")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *server) occupancy(w http.ResponseWriter, r *http.Request) error {
	zones, err := s.zones(r)
	if err != nil {
		return err
	}
	list, err := zones.Occupancy(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].Labels == nil {
			list[i].Labels = map[string]int{}
		}
		list[i].Tracks = notNil(list[i].Tracks)
	}
	writeJSON(w, http.StatusOK, struct {
		Zones []ZoneOccupancy `json:"zones"`
	}{notNil(list)})
	return nil
}
