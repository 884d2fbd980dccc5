package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// What bounds the body of a JSON request, in bytes.
const (
	maxBody     = 64 << 10
	maxZoneBody = 256 << 10
	maxPost     = 1 << 20 // of a worker
)

// bodyTime is how long a client may take to send it.
const bodyTime = 10 * time.Second

// Timestamp is a moment as the API writes it: RFC 3339 with milliseconds,
// UTC.
type Timestamp time.Time

const timeFormat = "2006-01-02T15:04:05.000Z"

// MarshalJSON implements json.Marshaler.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, time.Time(t).UTC().Format(timeFormat)), nil
}

// UnmarshalJSON implements json.Unmarshaler; clients written in Go need it.
func (t *Timestamp) UnmarshalJSON(data []byte) error {
	return (*time.Time)(t).UnmarshalJSON(data)
}

// Millis returns the Timestamp of Unix milliseconds.
func Millis(ms int64) Timestamp { return Timestamp(time.UnixMilli(ms).UTC()) }

// decode reads the body of r into v, which points to a struct whose fields
// all have JSON names. A body that is not exactly one object with known
// fields of the right types is refused, with the field named.
func decode(w http.ResponseWriter, r *http.Request, v any) error { return decodeUpTo(w, r, v, maxBody) }

// decodeUpTo is decode for a body of at most most bytes.
func decodeUpTo(w http.ResponseWriter, r *http.Request, v any, most int64) error {
	data, err := readJSON(w, r, most)
	if err != nil {
		return err
	}
	return strict(data, v)
}

func readJSON(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	ct, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || ct != "application/json" || params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		return nil, &failure{status: http.StatusUnsupportedMediaType, code: "unsupported_media_type", message: "The body must be application/json."}
	}
	return readBody(w, r, most)
}

// decodeNothing accepts a request that has nothing to say: no body, or an
// empty object.
func decodeNothing(w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	return decode(w, r, &struct{}{})
}

func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	rc := http.NewResponseController(w)
	// A deadline that cannot be set (a test's recorder) is none. It is lifted
	// afterwards: it would end a request that takes longer to answer.
	_ = rc.SetReadDeadline(time.Now().Add(bodyTime))
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	_ = rc.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &failure{status: http.StatusRequestEntityTooLarge, code: "too_large", message: fmt.Sprintf("The body must not be longer than %d KiB.", most>>10)}
	case err != nil:
		return nil, &failure{status: http.StatusBadRequest, code: "bad_body", message: "The body could not be read."}
	}
	return data, nil
}

var errNotObject = &failure{status: http.StatusBadRequest, code: "bad_json", message: "The body must be one JSON object."}

// strict decodes one object into the struct v points to. encoding/json alone
// would take names in any case, the same field twice, null for anything, and
// whatever follows.
func strict(data []byte, v any) error { return strictIn(data, v, "", false) }

// strictAt is strict for an object inside of another, whose fields may be null.
// Fields are named in errors with at before them.
func strictAt(data []byte, v any, at string) error {
	err := strictIn(data, v, at+".", true)
	if errors.Is(err, errNotObject) {
		return badField(at, "The field must be an object.")
	}
	return err
}

func strictIn(data []byte, v any, at string, nulls bool) error {
	if !utf8.Valid(data) {
		return errNotObject
	}
	dst := reflect.ValueOf(v).Elem()
	dec := json.NewDecoder(bytes.NewReader(data))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return errNotObject
	}
	seen := map[string]bool{}
	for dec.More() {
		tok, err := dec.Token()
		name, ok := tok.(string)
		if err != nil || !ok {
			return errNotObject
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return errNotObject
		}
		field := fieldByName(dst, name)
		switch {
		case !field.IsValid():
			return badField(at+cut(name), "There is no field of this name.")
		case seen[name]:
			return badField(at+name, "The field is there twice.")
		case bytes.Equal(raw, []byte("null")) && nulls:
			seen[name] = true
			continue
		case bytes.Equal(raw, []byte("null")) && saysNull(field):
		case bytes.Equal(raw, []byte("null")):
			return badField(at+name, "The field must not be null; leave it out.")
		}
		seen[name] = true
		if err := fillIn(field, raw, at+name, nulls); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return errNotObject
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errNotObject
	}
	return nil
}

// fillIn decodes one value. Objects inside of it are as strict as the one around.
func fillIn(field reflect.Value, raw json.RawMessage, name string, nulls bool) error {
	typ := field.Type()
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	wrong := badField(name, "The field must be %s.", typeName(typ))
	v := reflect.New(typ)
	switch _, own := v.Interface().(json.Unmarshaler); {
	case own:
	case typ.Kind() == reflect.Struct:
		if err := strictIn(raw, v.Interface(), name+".", nulls); errors.Is(err, errNotObject) {
			return wrong
		} else if err != nil {
			return err
		}
		set(field, v)
		return nil
	case typ.Kind() == reflect.Slice && typ.Elem().Kind() == reflect.Struct:
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil {
			return wrong
		}
		v.Elem().Set(reflect.MakeSlice(typ, len(list), len(list)))
		for i, one := range list {
			if one = bytes.TrimSpace(one); len(one) == 0 || one[0] != '{' {
				return wrong
			}
			if err := fillIn(v.Elem().Index(i), one, fmt.Sprintf("%s[%d]", name, i), false); err != nil {
				return err
			}
		}
		set(field, v)
		return nil
	}
	if json.Unmarshal(raw, field.Addr().Interface()) != nil {
		return wrong
	}
	return nil
}

// set has field, or what it points to, be what v points to.
func set(field, v reflect.Value) {
	if field.Kind() == reflect.Pointer {
		field.Set(v)
		return
	}
	field.Set(v.Elem())
}

// saysNull reports whether null is a value of field like any other.
func saysNull(field reflect.Value) bool {
	_, ok := field.Addr().Interface().(interface{ takesNull() })
	return ok
}

func fieldByName(v reflect.Value, name string) reflect.Value {
	for i := range v.NumField() {
		if tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ","); tag == name && tag != "" {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

func typeName(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t {
	case reflect.TypeFor[CameraSet]():
		return "a list of strings, or null"
	case reflect.TypeFor[Object]():
		return "an object"
	case reflect.TypeFor[Points]():
		return "a list of points, each a list of two numbers"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		return "a number"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Struct {
			return "a list of objects"
		}
		return "a list of strings"
	case reflect.Map, reflect.Struct:
		return "an object"
	}
	return "of another type"
}

// cut keeps a name that a stranger chose from filling the answer.
func cut(name string) string {
	if len(name) > 64 {
		return strings.ToValidUTF8(name[:64], "") + "…"
	}
	return name
}

// parseTime reads RFC 3339, or Unix milliseconds.
func parseTime(s string) (time.Time, bool) {
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.UnixMilli(ms).UTC(), ms >= 0 && ms <= maxMillis
	}
	// An offset's plus sign arrives as a space if it was not escaped.
	t, err := time.Parse(time.RFC3339Nano, strings.Replace(s, " ", "+", 1))
	return t.UTC(), err == nil && t.UnixMilli() >= 0 && t.UnixMilli() <= maxMillis
}

// maxMillis is the end of the year 9999, the last that RFC 3339 can write.
const maxMillis = 253402300799999

func queryTime(q url.Values, name string) (time.Time, error) {
	if q.Get(name) == "" {
		return time.Time{}, badField(name, "The time %s is missing.", name)
	}
	return timeField(name, q.Get(name))
}

// timeField reads a time that was given under name.
func timeField(name, text string) (time.Time, error) {
	t, ok := parseTime(text)
	if !ok {
		return time.Time{}, badField(name, "The time %s must be RFC 3339 or Unix milliseconds.", name)
	}
	return t, nil
}

// queryRange reads from and to: from before to, and no more than most apart.
func queryRange(r *http.Request, most time.Duration) (from, to time.Time, err error) {
	q := r.URL.Query()
	if from, err = queryTime(q, "from"); err != nil {
		return from, to, err
	}
	if to, err = queryTime(q, "to"); err != nil {
		return from, to, err
	}
	if !from.Before(to) {
		return from, to, badField("to", "The time to must be after from.")
	}
	if to.Sub(from) > most {
		return from, to, badField("to", "The range must not be longer than %v.", most)
	}
	return from, to, nil
}

// queryInt reads a number within limits, or returns def if it is missing.
func queryInt(r *http.Request, name string, def, least, most int) (int, error) {
	s := r.URL.Query().Get(name)
	if s == "" {
		return def, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		return 0, badField(name, "The number %s must be from %d to %d.", name, least, most)
	}
	return n, nil
}

// queryBool reads true or false, or returns false if it is missing.
func queryBool(r *http.Request, name string) (bool, error) {
	switch r.URL.Query().Get(name) {
	case "true":
		return true, nil
	case "false", "":
		return false, nil
	}
	return false, badField(name, "The value %s must be true or false.", name)
}
