package lab_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/azaffinity/azaffinity/integration/lab"
)

const shard = "shardId-000000000000"

// subscribe reads a subscription to its end: the records, and what ended it.
func subscribe(ctx context.Context, c *kinesis.Client, shard string) (records []string, err error) {
	out, err := c.SubscribeToShard(ctx, &kinesis.SubscribeToShardInput{
		ConsumerARN:      aws.String("arn:aws:kinesis:us-east-1:" + lab.Account + ":stream/s/consumer/c:1"),
		ShardId:          &shard,
		StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeLatest},
	})
	if err != nil {
		return nil, err
	}
	stream := out.GetStream()
	defer stream.Close()
	for event := range stream.Events() {
		for _, record := range event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value.Records {
			records = append(records, string(record.Data))
		}
	}
	return records, stream.Err()
}

func TestKinesis(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		l := start(t, lab.Options{Endpoints: []lab.Endpoint{{Service: "kinesis", PrivateDNS: true}}, HTTP2: http2})
		for kind, name := range map[string]string{"regional": l.RegionalName("kinesis"), "zonal": l.ZonalName("kinesis", home), "private": ""} {
			t.Run(fmt.Sprintf("%s http2=%v", kind, http2), func(t *testing.T) {
				ctx := within(t, 10*time.Second)
				c := kinesis.NewFromConfig(l.Config(), func(o *kinesis.Options) { o.BaseEndpoint = base(name) })
				records := must(subscribe(ctx, c, shard))(t)
				if want := "[record 1 record 2 record 3]"; fmt.Sprint(records) != want {
					t.Errorf("got %v, want %s", records, want)
				}
				_, err := subscribe(ctx, c, "shardId-000000000001")
				wantCode(t, err, "ResourceNotFoundException")
				_, err = c.ListStreams(ctx, &kinesis.ListStreamsInput{})
				wantCode(t, err, "UnknownOperationException")
			})
		}
	}
}

// An event stream that breaks off breaks for its reader, after the events that came.
func TestKinesisBreaksOff(t *testing.T) {
	for _, test := range []struct{ after, want int }{{0, 0}, {1, 0}, {450, 1}, {750, 2}} {
		l := start(t, lab.Options{Endpoints: []lab.Endpoint{{Service: "kinesis"}}})
		if err := l.Fault(home, lab.ResetAfter(test.after)); err != nil {
			t.Fatal(err)
		}
		c := kinesis.NewFromConfig(l.Config(), func(o *kinesis.Options) {
			o.BaseEndpoint, o.Retryer = base(l.ZonalName("kinesis", home)), aws.NopRetryer{}
		})
		records, err := subscribe(within(t, 10*time.Second), c, shard)
		if len(records) != test.want || err == nil {
			t.Errorf("after %d bytes: got %q, %v, want %d records and an error", test.after, records, err, test.want)
		}
		if n := l.Requests()[home]; n != 1 {
			t.Errorf("after %d bytes: executed %d, want 1", test.after, n)
		}
	}
}
