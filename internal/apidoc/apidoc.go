// Package apidoc holds answers of the HTTP API against docs/openapi.yaml, for
// tests alone. It reads the document and never changes it; no program of ours
// may import it.
package apidoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Doc is the document. Its methods may be called concurrently.
type Doc struct {
	T     *openapi3.T
	paths []string // templated segments last
}

// Load reads and validates the document of the module that the working
// directory is in.
func Load() (*Doc, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("load openapi: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			return nil, errors.New("load openapi: no go.mod above the working directory")
		}
		dir = up
	}
	data, err := os.ReadFile(filepath.Join(dir, "docs", "openapi.yaml"))
	if err != nil {
		return nil, fmt.Errorf("load openapi: %w", err)
	}
	return Parse(data)
}

// Parse reads and validates a document.
func Parse(data []byte) (*Doc, error) {
	loader := openapi3.NewLoader()
	t, err := loader.LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("read openapi: %w", err)
	}
	if err := t.Validate(loader.Context); err != nil {
		return nil, fmt.Errorf("validate openapi: %w", err)
	}
	d := &Doc{T: t}
	for path := range t.Paths.Map() {
		d.paths = append(d.paths, path)
	}
	// A brace sorts after every letter: what is written out is found first.
	slices.Sort(d.paths)
	return d, nil
}

// Check holds one answer against the document: that the route and the status
// are there, that the content type is one of those named, and that the body is
// what the schema says, no more and no less. The body of HEAD does not matter:
// servers leave it out, recorders of tests do not.
//
// Paths outside of the document are the panel's files, of which nothing is
// said; below /api/ they must be answered with an error or a redirect.
func (d *Doc) Check(method, path string, status int, contentType string, body []byte) error {
	response, err := d.response(method, path, status)
	if err == nil && response != nil && method != http.MethodHead {
		err = check(response, contentType, body)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %d: %w", method, path, status, err)
	}
	return nil
}

// check holds a body against what is said of it.
func check(response *openapi3.Response, contentType string, body []byte) error {
	if len(response.Content) == 0 {
		if len(body) > 0 {
			return fmt.Errorf("%d bytes in an answer without a body", len(body))
		}
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return fmt.Errorf("content type %q: %w", contentType, err)
	}
	media := response.Content[mediaType]
	if media == nil {
		return fmt.Errorf("content type %q is none of those named", mediaType)
	}
	if mediaType != "application/json" {
		return nil
	}
	var value any
	dec := json.NewDecoder(bytes.NewReader(body))
	if err := dec.Decode(&value); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON")
	}
	return media.Schema.Value.VisitJSON(value, openapi3.VisitAsResponse(), openapi3.MultiErrors(),
		openapi3.SetSchemaErrorMessageCustomizer(func(e *openapi3.SchemaError) string {
			return "/" + strings.Join(e.JSONPointer(), "/") + ": " + e.Reason // without schema and value
		}))
}

// response finds what the document says of an answer; nil is nothing.
func (d *Doc) response(method, path string, status int) (*openapi3.Response, error) {
	path, _, _ = strings.Cut(path, "?")
	if method == http.MethodHead {
		method = http.MethodGet
	}
	known := d.find(path)
	var op *openapi3.Operation
	if known != "" {
		op = d.T.Paths.Value(known).Operations()[method]
	}
	switch {
	case op != nil:
	case known == "" && (!strings.HasPrefix(path, "/api/") || status >= 300 && status < 400):
		return nil, nil
	case status < 400:
		return nil, errors.New("the document does not know this route")
	default:
		return d.T.Components.Responses["Error"].Value, nil
	}
	if named := op.Responses.Value(strconv.Itoa(status)); named != nil {
		return named.Value, nil
	}
	if status < 400 {
		return nil, fmt.Errorf("the document does not know this status of %s", known)
	}
	return op.Responses.Default().Value, nil
}

// find returns the path of the document that path is one of, or "".
func (d *Doc) find(path string) string {
	got := strings.Split(path, "/")
	for _, known := range d.paths {
		want := strings.Split(known, "/")
		if slices.EqualFunc(want, got, func(w, g string) bool { return w == g || strings.HasPrefix(w, "{") && g != "" }) {
			return known
		}
	}
	return ""
}
