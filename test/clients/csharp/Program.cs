using System.Net.Http.Json;
using System.Text.Json.Nodes;

var url = Environment.GetEnvironmentVariable("PLAYCOUNT_URL") ?? "http://localhost:8000";
var server = new HttpClient { BaseAddress = new Uri(url) };
server.DefaultRequestHeaders.Accept.ParseAdd("application/json");

async Task<JsonNode> Ask(HttpMethod method, string path, object? body = null)
{
    var content = body == null ? null : JsonContent.Create(body);
    var answer = await server.SendAsync(new HttpRequestMessage(method, path) { Content = content });
    return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
}

var batch = new Dictionary<string, long> { ["42"] = 1, ["a/b"] = 2 };
Console.WriteLine((await Ask(HttpMethod.Post, "/song/42"))["count"]);
Console.WriteLine((await Ask(HttpMethod.Post, "/song/42", 1L << 40))["count"]);
Console.WriteLine((await Ask(HttpMethod.Post, "/batch", batch))["a/b"]);
Console.WriteLine((await Ask(HttpMethod.Put, "/folds/1", "plays-to-db"))["a/b"]); // store it before the next request
Console.WriteLine((await Ask(HttpMethod.Delete, "/folds/1"))["status"]);
Console.WriteLine((await Ask(HttpMethod.Post, "/song/42", (1L << 53) - 1))["type"]);
