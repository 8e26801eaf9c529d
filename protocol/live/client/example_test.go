package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/fauer4effect/paxos/protocol/live/client"
)

// With the addresses of a cluster's servers, as `paxos cluster` prints them.
func Example() {
	addresses := []string{exampleServer()} // of your cluster: "10.0.0.1:6379", "10.0.0.2:6379", …

	c, err := client.New(addresses...)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()

	if err := c.Set(ctx, "greeting", "hello"); errors.Is(err, client.ErrUnknown) {
		fmt.Println("it may be set, or not") // setting it again does no harm: so we would
	} else if err != nil {
		log.Fatal(err)
	}
	value, found, err := c.Get(ctx, "greeting")
	fmt.Println(value, found, err)

	// Any command, and several in one round trip.
	reply, err := c.Do(ctx, "SET", "greeting", "bye", "NX")
	fmt.Println(reply, err)
	replies, err := c.Pipeline(ctx,
		client.Command{Name: "INCR", Args: []any{"visits"}},
		client.Command{Name: "INCR", Args: []any{"visits"}},
		client.Command{Name: "INCR", Args: []any{"greeting"}},
	)
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range replies {
		fmt.Println(r.Value, r.Err)
	}
	// Output:
	// hello true <nil>
	// <nil> <nil>
	// 1 <nil>
	// 2 <nil>
	// <nil> ERR value is not an integer or out of range
}
