"""A camera made of GStreamer's RTSP server, independent of Vedette's stack.

Reads one JSON object of options from its first line of standard input, prints
"ready PORT", and serves until standard input is closed. Exits with status 3
and a sentence if something is not installed.
"""
import json
import sys

NEEDS = (
    "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav gstreamer1.0-x"
)


def missing(what):
    print("missing: %s (apt-get install %s)" % (what, NEEDS), flush=True)
    sys.exit(3)


try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer
except (ImportError, ValueError) as e:
    missing(str(e))

Gst.init(None)

WIDTH, HEIGHT = 640, 360
PICTURE = (
    "videotestsrc is-live=true pattern=ball ! timeoverlay font-desc=\"Sans 40\" ! "
    "video/x-raw,format=I420,width=%d,height=%d,framerate=25/1 ! " % (WIDTH, HEIGHT)
)
SOUND = "audiotestsrc is-live=true wave=sine freq=440 volume=0.2 ! audioconvert ! audioresample ! "
X264 = "x264enc tune=zerolatency speed-preset=ultrafast bitrate=800 key-int-max=50 ! "
X264B = "x264enc speed-preset=veryfast bitrate=800 key-int-max=50 bframes=2 b-adapt=false ! video/x-h264,profile=high ! "
X264I = "video/x-raw,interlace-mode=interleaved ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=800 key-int-max=50 interlaced=true ! "
X264S = "x264enc tune=zerolatency speed-preset=ultrafast bitrate=800 key-int-max=50 option-string=slices=6 ! "
X265 = "x265enc tune=zerolatency speed-preset=ultrafast bitrate=800 key-int-max=50 ! "
H264 = "h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 "
H265 = "h265parse ! rtph265pay name=pay0 pt=96 config-interval=-1 "
AAC = "audio/x-raw,rate=48000,channels=2 ! avenc_aac bitrate=64000 ! aacparse ! "

STREAMS = {
    "h264": PICTURE + X264 + H264,
    "h264-aac": PICTURE + X264 + H264 + SOUND + AAC + "rtpmp4gpay name=pay1 pt=97",
    "h264-latm": PICTURE + X264 + H264 + SOUND + AAC + "rtpmp4apay name=pay1 pt=97",
    "h264-pcmu": PICTURE + X264 + H264 + SOUND + "audio/x-raw,rate=8000,channels=1 ! mulawenc ! rtppcmupay name=pay1",
    "h264-pcma": PICTURE + X264 + H264 + SOUND + "audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay1",
    "h264-opus": PICTURE + X264 + H264 + SOUND + "audio/x-raw,rate=48000,channels=2 ! opusenc ! rtpopuspay name=pay1 pt=97",
    "h264-bframes": PICTURE + X264B + H264,
    "h264-interlaced": PICTURE + "identity ! capssetter caps=video/x-raw,interlace-mode=interleaved ! " + X264I + H264,
    "h264-slices": PICTURE + X264S + H264,
    "h265": PICTURE + X265 + H265,
    "h265-aac": PICTURE + X265 + H265 + SOUND + AAC + "rtpmp4gpay name=pay1 pt=97",
    "mjpeg": PICTURE + "jpegenc ! rtpjpegpay name=pay0 pt=26",
    "audio": SOUND + AAC + "rtpmp4gpay name=pay0 pt=97",
}
ELEMENTS = (
    "x264enc x265enc h264parse h265parse aacparse avenc_aac rtph264pay rtph265pay rtpmp4gpay rtpmp4apay "
    "rtppcmupay rtppcmapay rtpopuspay opusenc jpegenc rtpjpegpay timeoverlay qtdemux mulawenc alawenc"
).split()


def file_launch(o):
    """The tracks of an MP4 or MOV file, as they are, once."""
    video = {"h265": "h265parse ! rtph265pay"}.get(o.get("file_codec"), "h264parse ! rtph264pay")
    launch = 'filesrc location="%s" ! qtdemux name=d d.video_0 ! queue ! %s name=pay0 pt=96 config-interval=-1 ' % (
        o["file"].replace('"', ""), video)
    if o.get("file_audio"):
        launch += "d.audio_0 ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97 "
    return launch


def protect(server, user, password):
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtspServer.RTSPAuthMethod.DIGEST if hasattr(GstRtspServer, "RTSPAuthMethod") else 2)
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
    auth.add_digest(user, password, token)
    server.set_auth(auth)


def main():
    o = json.loads(sys.stdin.readline())
    gone = [e for e in ELEMENTS if Gst.ElementFactory.find(e) is None]
    if gone:
        missing("GStreamer elements " + " ".join(gone))
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(o.get("port", 0)))
    mounts = server.get_mount_points()
    streams = dict(STREAMS)
    if o.get("file"):
        streams["file"] = file_launch(o)
    for name, launch in streams.items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch("( " + launch + " )")
        factory.set_shared(name != "file")
        if o.get("user"):
            role = GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS, GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT
            factory.add_role_from_structure(Gst.Structure.from_string("viewer,%s=true,%s=true" % role)[0])
        mounts.add_factory("/" + name, factory)
    if o.get("user"):
        protect(server, o["user"], o["password"])
    if server.attach(None) == 0:
        print("cannot listen", flush=True)
        sys.exit(1)
    loop = GLib.MainLoop()
    GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IOCondition.HUP | GLib.IOCondition.IN, lambda *_: loop.quit())
    print("ready %d" % server.get_bound_port(), flush=True)
    loop.run()


main()
