require 'json'
require 'net/http'

SERVER = URI(ENV.fetch('PLAYCOUNT_URL', 'http://localhost:8000'))
HEADERS = { 'Accept' => 'application/json', 'Content-Type' => 'application/json' }

def ask(method, path, body = '')
  answer = Net::HTTP.start(SERVER.host, SERVER.port) { |http| http.send_request(method, path, body, HEADERS) }
  JSON.parse(answer.body)
end

puts ask('POST', '/song/42')['count']
puts ask('POST', '/song/42', (2**40).to_json)['count']
puts ask('POST', '/batch', { '42' => 1, 'a/b' => 2 }.to_json)['a/b']
puts ask('PUT', '/folds/1', 'plays-to-db'.to_json)['a/b'] # store it before the next request
puts ask('DELETE', '/folds/1')['status']
puts ask('POST', '/song/42', (2**53 - 1).to_json)['type']
