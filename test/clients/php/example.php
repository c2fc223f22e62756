<?php
function ask(string $method, string $path, string $body = ''): mixed {
    $fields = ['Accept: application/json', 'Content-Type: application/json'];
    $http = ['method' => $method, 'header' => $fields, 'content' => $body, 'ignore_errors' => true];
    $url = (getenv('PLAYCOUNT_URL') ?: 'http://localhost:8000') . $path;
    return json_decode(file_get_contents($url, false, stream_context_create(['http' => $http])), true);
}
echo ask('POST', '/song/42')['count'], "\n";
echo ask('POST', '/song/42', '1099511627776')['count'], "\n";
echo ask('POST', '/batch', json_encode(['42' => 1, 'a/b' => 2]))['a/b'], "\n";
echo ask('PUT', '/folds/1', '"plays-to-db"')['a/b'], "\n"; // store it before the next request
echo ask('DELETE', '/folds/1')['status'], "\n";
echo ask('POST', '/song/42', '9007199254740991')['type'], "\n";
