use openapi::apis::{configuration::Configuration, playcount_api as playcount, Error};
use std::collections::HashMap;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut server = Configuration::new();
    server.base_path = std::env::var("PLAYCOUNT_URL")?;

    println!("{}", playcount::play(&server, "42", None, None, Some(1)).await?.count);
    println!("{}", playcount::play(&server, "42", None, None, Some(1 << 40)).await?.count);
    let plays = HashMap::from([("42".to_string(), 1), ("a/b".to_string(), 2)]);
    println!("{}", playcount::add_batch(&server, None, None, Some(plays)).await?["a/b"]);

    let fold = playcount::seal_fold(&server, 1, None, Some("plays-to-db")).await?;
    println!("{}", fold["a/b"]); // store the fold in the database before the next request
    let done = playcount::acknowledge_fold(&server, 1, None).await?;
    println!("{}", serde_json::to_value(done.status)?.as_str().unwrap_or_default());

    if let Err(Error::ResponseError(refused)) =
        playcount::play(&server, "42", None, None, Some((1 << 53) - 1)).await
    {
        let problem: serde_json::Value = serde_json::from_str(&refused.content)?;
        println!("{}", problem["type"].as_str().unwrap_or_default());
    }
    Ok(())
}
