#!/usr/bin/env bash
# Makes the clip the benchmarks record: 1080p25 H.264 of about 4 Mb/s with a
# GOP of 2 s, and AAC. Usage: bench/clip.sh FILE
set -euo pipefail
ffmpeg -nostdin -v error -y \
	-f lavfi -i 'testsrc2=s=1920x1080:r=25,noise=alls=12:allf=t' -f lavfi -i 'sine=440:r=48000' -t 20 \
	-c:v libx264 -preset veryfast -profile:v high -pix_fmt yuv420p -bf 0 -g 50 -keyint_min 50 -sc_threshold 0 \
	-b:v 4M -maxrate 4M -bufsize 4M -x264-params nal-hrd=cbr:force-cfr=1 -c:a aac -b:a 64k \
	-movflags +faststart "$1"
