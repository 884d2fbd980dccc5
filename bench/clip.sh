#!/usr/bin/env bash
# Makes the clip the benchmarks use: one minute of 1080p25 H.264 of about RATE
# (default 4M, in bits a second) with a GOP of 2 s, and AAC. The lowest 120 rows
# carry the number of the picture, laid out as in internal/simcam/clip/README.md
# at three times the size, so that a picture tells when it was sent.
# Usage: bench/clip.sh FILE [RATE]
set -euo pipefail
rate=${2:-4M}
bit='mod(floor(N/pow(2\,12-X))\,2)'
parity='mod(mod(N\,2)+mod(floor(N/2)\,2)+mod(floor(N/4)\,2)+mod(floor(N/8)\,2)+mod(floor(N/16)\,2)+mod(floor(N/32)\,2)+mod(floor(N/64)\,2)+mod(floor(N/128)\,2)+mod(floor(N/256)\,2)+mod(floor(N/512)\,2)+mod(floor(N/1024)\,2)\,2)'
block="if(eq(X\,0)+eq(X\,15)\,1\,if(eq(X\,1)+eq(X\,14)\,0\,if(eq(X\,13)\,$parity\,$bit)))"
ffmpeg -nostdin -v error -y \
	-f lavfi -i 'testsrc2=s=1920x1080:r=25:d=60,noise=alls=12:allf=t:all_seed=1' \
	-f lavfi -i "color=black:s=16x2:r=25:d=60,format=gray,geq=lum='16+219*($block)',format=yuv420p,scale=1920:120:flags=neighbor" \
	-f lavfi -i 'sine=440:r=48000' -t 60 \
	-filter_complex '[0][1]overlay=0:960,format=yuv420p[v]' -map '[v]' -map 2 \
	-c:v libx264 -preset veryfast -profile:v high -bf 0 -g 50 -keyint_min 50 -sc_threshold 0 \
	-b:v "$rate" -maxrate "$rate" -bufsize "$rate" -x264-params nal-hrd=cbr:force-cfr=1 -c:a aac -b:a 64k \
	-movflags +faststart "$1"
