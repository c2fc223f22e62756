"""The original play counter, written again from its description, for gunicorn with gevent."""

counts = {}


def application(environ, start_response):
    status, body = answer(environ["REQUEST_METHOD"], environ["PATH_INFO"])
    content = body.encode("latin-1")  # as WSGI hands on the bytes of a path
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(content)))]
    start_response(status, headers)
    return [content]


def answer(method, path):
    if path == "/":
        return answer_all(method)
    resource, _, song = path[1:].partition("/")
    if resource == "song" and song:
        return answer_song(method, song)
    return "404 Not Found", "Not Found"


def answer_all(method):
    if method == "GET":
        return "200 OK", ",".join(f"{song}={count}" for song, count in counts.items())
    if method == "DELETE":
        counts.clear()
        return "200 OK", "OK"
    return "405 Method Not Allowed", "Method Not Allowed"


def answer_song(method, song):
    if method == "GET":
        return "200 OK", str(counts.get(song, 0))
    if method == "POST":
        # Nothing yields to another greenlet in here, so no play is lost.
        counts[song] = count = counts.get(song, 0) + 1
        return "200 OK", str(count)
    return "405 Method Not Allowed", "Method Not Allowed"
