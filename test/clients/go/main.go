package main

import (
	"context"
	"fmt"
	"os"

	"example/playcount"
)

func main() {
	ctx := context.Background()
	client, err := playcount.NewClientWithResponses(os.Getenv("PLAYCOUNT_URL"))
	check(err)

	played, err := client.PlayWithBodyWithResponse(ctx, "42", nil, "", nil)
	check(err)
	fmt.Println(played.JSON200.Count)
	added, err := client.PlayWithResponse(ctx, "42", nil, 1<<40)
	check(err)
	fmt.Println(added.JSON200.Count)
	batch, err := client.AddBatchWithResponse(ctx, nil, playcount.Plays{"42": 1, "a/b": 2})
	check(err)
	fmt.Println((*batch.JSON200)["a/b"])

	sealed, err := client.SealFoldWithResponse(ctx, 1, nil, "plays-to-db")
	check(err)
	fmt.Println((*sealed.JSON201)["a/b"]) // store the fold in the database before the next request
	done, err := client.AcknowledgeFoldWithResponse(ctx, 1, nil)
	check(err)
	fmt.Println(done.JSON200.Status)

	refused, err := client.PlayWithResponse(ctx, "42", nil, 1<<53-1)
	check(err)
	problem, err := refused.ApplicationproblemJSON409.AsProblem()
	check(err)
	fmt.Println(problem.Type)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
