package recorder

import (
	"errors"
	"strings"
	"testing"
)

func TestNormaliseNamesTheWrongField(t *testing.T) {
	ok := Camera{Name: "Front door", MainURL: "rtsp://192.0.2.1/s"}
	tests := []struct {
		name  string
		with  func(*Camera)
		field string // "" = good
	}{
		{"a good camera", func(*Camera) {}, ""},
		{"a vendor with an address", func(c *Camera) { c.MainURL = ""; c.Vendor = "Hikvision"; c.Address = "192.0.2.1" }, ""},
		{"an IPv6 address", func(c *Camera) { c.MainURL = ""; c.Vendor = "tapo"; c.Address = "[2001:db8::1]:8554" }, ""},
		{"no name", func(c *Camera) { c.Name = "  " }, "name"},
		{"a name too long", func(c *Camera) { c.Name = strings.Repeat("ä", 65) }, "name"},
		{"a name of just the right length", func(c *Camera) { c.Name = strings.Repeat("ä", 64) }, ""},
		{"a line break in the name", func(c *Camera) { c.Name = "a\nb" }, "name"},
		{"an id that is a path", func(c *Camera) { c.ID = "../x" }, "id"},
		{"an id in capitals", func(c *Camera) { c.ID = "Door" }, "id"},
		{"an unknown vendor", func(c *Camera) { c.Vendor = "acme" }, "vendor"},
		{"a vendor without address", func(c *Camera) { c.MainURL = ""; c.Vendor = "axis" }, "main_url"},
		{"an address that is a URL", func(c *Camera) { c.Address = "http://x/" }, "address"},
		{"http", func(c *Camera) { c.MainURL = "http://192.0.2.1/" }, "main_url"},
		{"a file", func(c *Camera) { c.SubURL = "file:///etc/passwd" }, "sub_url"},
		{"no host", func(c *Camera) { c.MainURL = "rtsp:///x" }, "main_url"},
		{"not a URL", func(c *Camera) { c.MainURL = "rtsp://u:hunter2@[::1" }, "main_url"},
		{"a password with # that is not escaped", func(c *Camera) { c.MainURL = "rtsp://admin:12#hunter2@192.0.2.1/x" }, "main_url"},
		{"a password with / that is not escaped", func(c *Camera) { c.MainURL = "rtsp://admin:12/hunter2@192.0.2.1/x" }, "main_url"},
		{"a password with ? that is not escaped", func(c *Camera) { c.SubURL = "rtsp://admin:12?hunter2@192.0.2.1/x" }, "sub_url"},
		{"a port beyond all ports", func(c *Camera) { c.MainURL = "rtsp://192.0.2.1:99999/x" }, "main_url"},
		{"a line break in the password", func(c *Camera) { c.Password = "a\r\nb" }, "password"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := ok
			tt.with(&c)
			err := c.normalise()
			var fe *FieldError
			if tt.field == "" && err != nil || tt.field != "" && (!errors.As(err, &fe) || fe.Name != tt.field) {
				t.Errorf("got %v, want field %q", err, tt.field)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows a password: %v", err)
			}
		})
	}
}

func TestCredentialsLeaveTheURLs(t *testing.T) {
	c := Camera{Name: "Door", MainURL: "rtsp://admin:hunter2@192.0.2.1:8554/s?x=1"}
	if err := c.normalise(); err != nil {
		t.Fatal(err)
	}
	if c.MainURL != "rtsp://192.0.2.1:8554/s?x=1" || c.Username != "admin" || c.Password != "hunter2" {
		t.Errorf("got %+v", c)
	}
}

func TestURLsFollowVendorAndAddress(t *testing.T) {
	tests := []struct{ vendor, address, main, sub string }{
		{"hikvision", "192.0.2.1", "rtsp://192.0.2.1:554/Streaming/Channels/101", "rtsp://192.0.2.1:554/Streaming/Channels/102"},
		{"dahua", "cam.local:5554", "rtsp://cam.local:5554/cam/realmonitor?channel=1&subtype=0", "rtsp://cam.local:5554/cam/realmonitor?channel=1&subtype=1"},
		{"tapo", "2001:db8::1", "rtsp://[2001:db8::1]:554/stream1", "rtsp://[2001:db8::1]:554/stream2"},
	}
	for _, tt := range tests {
		c := Camera{Vendor: tt.vendor, Address: tt.address}
		if main, sub := c.URLs(); main != tt.main || sub != tt.sub {
			t.Errorf("%s at %s: %s and %s", tt.vendor, tt.address, main, sub)
		}
	}
	c := Camera{Vendor: "tapo", Address: "192.0.2.1", MainURL: "rtsp://192.0.2.1/own"}
	if main, sub := c.URLs(); main != "rtsp://192.0.2.1/own" || sub != "" {
		t.Errorf("an explicit main stream gave %s and a guessed sub stream %q", main, sub)
	}
}

func TestMaskLeavesNoSecret(t *testing.T) {
	for _, u := range []string{
		"rtsp://admin:hunter2@h/s", "rtsp://h/s?user=a&password=hunter2", "rtsp://h/user=a&password=hunter2&channel=1",
		"rtsp://h/s?PWD=hunter2&x=1", "rtsp://h/s?token=hunter2", "rtsp://h/?auth=hunter2#x",
	} {
		if got := Mask(u); strings.Contains(got, "hunter2") || !strings.Contains(got, "rtsp://h") {
			t.Errorf("Mask(%s) = %s", u, got)
		}
	}
}

func TestSlugMakesIDs(t *testing.T) {
	for name, want := range map[string]string{"Front door": "front-door", "Übergang 2": "bergang-2", "日本": "camera", "--a--": "a"} {
		if got := slug(name); got != want || !validID.MatchString(got) {
			t.Errorf("slug(%q) = %q, want %q", name, got, want)
		}
	}
	if got := slug(strings.Repeat("a-", 40)); !validID.MatchString(got) {
		t.Errorf("a long name became %q", got)
	}
}
