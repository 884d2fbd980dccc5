package api

import "net/http"

const (
	defaultDeliveries = 50
	maxDeliveries     = 200
)

func (s *server) listSubscriptions(w http.ResponseWriter, r *http.Request) error {
	if s.Notifications == nil {
		return errNotThere
	}
	list, err := s.Notifications.Subscriptions(r.Context())
	if err != nil {
		return err
	}
	out := make([]Subscription, len(list))
	for i, o := range list {
		out[i] = subscriptionView(o)
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func subscriptionView(o Subscription) Subscription {
	o.Types = notNil(o.Types)
	if o.Mail != nil {
		m := *o.Mail
		m.To = notNil(m.To)
		o.Mail = &m
	}
	return o
}

func (s *server) addSubscription(w http.ResponseWriter, r *http.Request) error {
	if s.Notifications == nil {
		return errNotThere
	}
	var in SubscriptionInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	switch {
	case in.Name == nil:
		return needed("name", "")
	case in.Kind == nil:
		return needed("kind", "")
	}
	o, err := s.Notifications.AddSubscription(r.Context(), in)
	if err != nil {
		return err
	}
	target(r, o.ID)
	detail(r, "kind", o.Kind)
	writeJSON(w, http.StatusCreated, subscriptionView(o))
	return nil
}

func (s *server) changeSubscription(w http.ResponseWriter, r *http.Request) error {
	if s.Notifications == nil {
		return errNotThere
	}
	var in SubscriptionInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	detail(r, "fields", fieldsSaid(in))
	if in.Kind != nil {
		return badField("kind", "The kind of a subscription cannot be changed; add another one.")
	}
	o, err := s.Notifications.ChangeSubscription(r.Context(), r.PathValue("sub"), in)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, subscriptionView(o))
	return nil
}

func (s *server) removeSubscription(w http.ResponseWriter, r *http.Request) error {
	if s.Notifications == nil {
		return errNotThere
	}
	if err := s.Notifications.RemoveSubscription(r.Context(), r.PathValue("sub")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// testSubscription sends a sample. That it did not arrive is a result, not an error.
func (s *server) testSubscription(w http.ResponseWriter, r *http.Request) error {
	if s.Notifications == nil {
		return errNotThere
	}
	if err := decodeNothing(w, r); err != nil {
		return err
	}
	release, ok := try(s.tests)
	if !ok {
		return errBusy
	}
	defer release()
	d, err := s.Notifications.TestSubscription(r.Context(), r.PathValue("sub"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, d)
	return nil
}

func (s *server) listDeliveries(w http.ResponseWriter, r *http.Request) error {
	if s.Notifications == nil {
		return errNotThere
	}
	limit, err := queryInt(r, "limit", defaultDeliveries, 1, maxDeliveries)
	if err != nil {
		return err
	}
	list, err := s.Notifications.Deliveries(r.Context(), r.PathValue("sub"), limit)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, notNil(list))
	return nil
}

func (s *server) getRelay(w http.ResponseWriter, r *http.Request) error {
	if s.Relay == nil {
		return errNotThere
	}
	info, err := s.Relay.Relay(r.Context())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, info)
	return nil
}

func (s *server) putRelay(w http.ResponseWriter, r *http.Request) error {
	if s.Relay == nil {
		return errNotThere
	}
	var in RelayInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	detail(r, "fields", fieldsSaid(in))
	info, err := s.Relay.SetRelay(r.Context(), in)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, info)
	return nil
}
