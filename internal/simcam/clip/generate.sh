#!/bin/sh
# Makes clip.h264 and clip.aac, the footage of the simulated camera. Needs
# ffmpeg with libx264 and the DejaVu fonts. Run it in this directory; what it
# draws is described in README.md.
set -eu
font=/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf

# 16 blocks of 40x40 pixels in the last 40 rows: white, black, the frame
# number in 11 bits (most significant first), even parity, black, white.
bit='mod(floor(N/pow(2\,12-floor(X/40)))\,2)'
parity='mod(mod(N\,2)+mod(floor(N/2)\,2)+mod(floor(N/4)\,2)+mod(floor(N/8)\,2)+mod(floor(N/16)\,2)+mod(floor(N/32)\,2)+mod(floor(N/64)\,2)+mod(floor(N/128)\,2)+mod(floor(N/256)\,2)+mod(floor(N/512)\,2)+mod(floor(N/1024)\,2)\,2)'
block="if(lt(X\,40)+gte(X\,600)\,1\,if(lt(X\,80)+gte(X\,560)\,0\,if(gte(X\,520)\,$parity\,$bit)))"
# A square that crosses the picture every 4 s, above a quiet gradient.
box='lt(abs(X-mod(N*7\,700)+30)\,30)*lt(abs(Y-270)\,30)'
lum="if(gte(Y\,320)\,235-219*(1-($block))\,if($box\,200\,50+X/16+Y/10))"

ffmpeg -hide_banner -y -f lavfi -i 'color=black:s=640x360:r=25:d=60' \
  -vf "format=yuv420p,geq=lum='$lum':cb='if(gte(Y\,160)\,128\,132)':cr='if(gte(Y\,160)\,128\,124)',drawtext=fontfile=$font:text='%{pts\:hms}':fontsize=64:fontcolor=white:x=(w-tw)/2:y=80,drawtext=fontfile=$font:text='VEDETTE SIMCAM':fontsize=24:fontcolor=white:x=24:y=20" \
  -c:v libx264 -profile:v high -preset slow -pix_fmt yuv420p -b:v 130k -maxrate 200k -bufsize 200k \
  -x264-params 'keyint=50:min-keyint=50:scenecut=0:open-gop=0:bframes=0:aud=1:repeat-headers=1:sliced-threads=0:threads=1' \
  -bsf:v 'filter_units=remove_types=6' -f h264 clip.h264

# 468.75 Hz is 10 periods a frame of 1024 samples, so the tone has no seam;
# a louder beep marks the first 100 ms of each second.
ffmpeg -hide_banner -y -f lavfi \
  -i 'aevalsrc=0.05*sin(2*PI*468.75*t)+0.3*lt(mod(t\,1)\,0.1)*sin(2*PI*1000*t):s=48000:d=34' \
  -c:a aac -ac 1 -b:a 32k -f adts clip.aac
