package box

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// FFmpeg records n cameras of the server at addr below dir: one stream copy
// each into fragmented segments, as recorders built around ffmpeg run it.
func FFmpeg(ctx context.Context, addr, dir string, n int) (g Group, err error) {
	for i := range n {
		own := filepath.Join(dir, fmt.Sprintf("cam%d", i))
		if err := os.MkdirAll(own, 0o755); err != nil {
			g.Stop()
			return nil, err
		}
		p, err := Start(ctx, filepath.Join(own, "log"), "ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", "tcp",
			"-i", fmt.Sprintf("rtsp://%s/cam%d", addr, i), "-map", "0", "-c", "copy",
			"-f", "segment", "-segment_time", "60", "-reset_timestamps", "1", "-segment_format", "mp4",
			"-segment_format_options", "movflags=+frag_keyframe+empty_moov+default_base_moof", filepath.Join(own, "%05d.mp4"))
		if err != nil {
			g.Stop()
			return nil, err
		}
		g = append(g, p)
	}
	return g, nil
}

// mediaMTX has every server of it off that recording does not need, and its
// defaults otherwise but for the length of a file, which all contenders share.
const mediaMTX = `logLevel: warn
rtsp: no
rtmp: no
hls: no
webrtc: no
srt: no
moq: no
pathDefaults:
  record: yes
  recordFormat: fmp4
  recordPath: %s/%%path/%%Y-%%m-%%d_%%H-%%M-%%S-%%f
  recordSegmentDuration: 60s
paths:
`

// MediaMTX records n cameras of the server at addr below dir with a binary of
// MediaMTX.
func MediaMTX(ctx context.Context, binary, addr, dir string, n int) (Group, error) {
	var b strings.Builder
	fmt.Fprintf(&b, mediaMTX, dir)
	for i := range n {
		fmt.Fprintf(&b, "  cam%d:\n    source: rtsp://%s/cam%d\n    rtspTransport: tcp\n", i, addr, i)
	}
	config := filepath.Join(dir, "mediamtx.yml")
	if err := os.WriteFile(config, []byte(b.String()), 0o600); err != nil {
		return nil, err
	}
	p, err := Start(ctx, filepath.Join(dir, "log"), binary, config)
	if err != nil {
		return nil, err
	}
	return Group{p}, nil
}

// MediaMTXVersion asks a binary of MediaMTX what it is. Older ones answer
// nothing to be compared, hence text.
func MediaMTXVersion(binary string) (string, error) {
	out, err := exec.Command(binary, "--version").Output()
	if err != nil {
		return "", errors.Join(fmt.Errorf("ask %s for its version", binary), err)
	}
	return strings.TrimSpace(string(out)), nil
}
