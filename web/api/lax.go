package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"
)

// The bodies of workers are read as workers of other systems write them: fields that
// we do not know are left out, and null is as good as nothing. What is there must
// still be one object, of the right types.

// decodeLax reads such a body of r into v.
func decodeLax(w http.ResponseWriter, r *http.Request, v any) error {
	data, err := readJSON(w, r, maxPost)
	if err != nil {
		return err
	}
	return lax(data, v)
}

func lax(data []byte, v any) error {
	if data = bytes.TrimLeft(data, " \t\r\n"); len(data) == 0 || data[0] != '{' || !utf8.Valid(data) {
		return errNotObject
	}
	err := json.Unmarshal(data, v)
	if syntax, bad := errors.AsType[*json.SyntaxError](err); bad && syntax.Offset > 0 {
		// Python writes NaN and Infinity, which JSON does not have. As a number that is
		// too large they are refused by the name of the field.
		if spelled := spell(data); spelled != nil {
			err = json.Unmarshal(spelled, v)
		}
	}
	return laxError(err, "")
}

// laxError names the field that is of another type, below at.
func laxError(err error, at string) error {
	if err == nil {
		return nil
	}
	if typ, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && at+typ.Field != "" {
		if typ.Type.Kind() == reflect.Float64 && strings.HasPrefix(typ.Value, "number") {
			return badField(at+cut(typ.Field), "The number is too large, or none.")
		}
		return notUnderstood(at+cut(typ.Field), "The field must be %s.", typeName(typ.Type))
	}
	return errNotObject
}

// notUnderstood answers a value of another type than it must be.
func notUnderstood(field, format string, a ...any) error {
	f := badField(field, format, a...).(*failure)
	f.status, f.code = http.StatusUnprocessableEntity, "not_understood"
	return f
}

// spell writes a number that is too large for any field in the place of each NaN and
// Infinity that is not in a string. It returns nil if there is none.
func spell(data []byte) []byte {
	var out []byte
	found, quoted := false, false
	for i := 0; i < len(data); i++ {
		c := data[i]
		if quoted {
			if c == '\\' && i+1 < len(data) {
				out = append(out, c)
				i++
				c = data[i]
			} else if c == '"' {
				quoted = false
			}
			out = append(out, c)
			continue
		}
		if n := unspelled(data[i:]); n > 0 {
			out = append(out, "1e999"...)
			found = true
			i += n - 1
			continue
		}
		quoted = c == '"'
		out = append(out, c)
	}
	if !found {
		return nil
	}
	return out
}

func unspelled(data []byte) int {
	for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(data, []byte(word)) {
			return len(word)
		}
	}
	return 0
}
