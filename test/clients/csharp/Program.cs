using System.Net.Http.Json;
using System.Text.Json.Nodes;

var server = new HttpClient { BaseAddress = new(Environment.GetEnvironmentVariable("PLAYCOUNT_URL") ?? "http://localhost:8000") };
server.DefaultRequestHeaders.Accept.ParseAdd("application/json");

async Task<JsonNode> Ask(HttpMethod method, string path, object? body = null)
{
    var request = new HttpRequestMessage(method, path) { Content = body == null ? null : JsonContent.Create(body) };
    return JsonNode.Parse(await (await server.SendAsync(request)).Content.ReadAsStringAsync())!;
}

Console.WriteLine((await Ask(HttpMethod.Post, "/song/42"))["count"]);
Console.WriteLine((await Ask(HttpMethod.Post, "/song/42", 1L << 40))["count"]);
Console.WriteLine((await Ask(HttpMethod.Post, "/batch", new Dictionary<string, long> { ["42"] = 1, ["a/b"] = 2 }))["a/b"]);
Console.WriteLine((await Ask(HttpMethod.Put, "/folds/1", "plays-to-db"))["a/b"]); // store the fold before the next request
Console.WriteLine((await Ask(HttpMethod.Delete, "/folds/1"))["status"]);
Console.WriteLine((await Ask(HttpMethod.Post, "/song/42", (1L << 53) - 1))["type"]);
