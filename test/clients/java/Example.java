import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.PlaycountApi;

public class Example {
  public static void main(String[] arguments) throws Exception {
    ApiClient client = new ApiClient();
    client.updateBaseUri(System.getenv("PLAYCOUNT_URL"));
    PlaycountApi playcount = new PlaycountApi(client);

    System.out.println(playcount.play("42", null, null, 1L).getCount());
    System.out.println(playcount.play("42", null, null, 1L << 40).getCount());
    Map<String, Long> counts = playcount.addBatch(null, null, Map.of("42", 1L, "a/b", 2L));
    System.out.println(counts.get("a/b"));

    Map<String, Long> plays = playcount.sealFold(1L, null, "plays-to-db");
    System.out.println(plays.get("a/b")); // store the fold in the database before the next request
    System.out.println(playcount.acknowledgeFold(1L, null).getStatus());

    try {
      playcount.play("42", null, null, (1L << 53) - 1);
    } catch (ApiException refused) {
      System.out.println(new ObjectMapper().readTree(refused.getResponseBody()).get("type").asText());
    }
  }
}
