package lab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream/eventstreamapi"
)

// kinesis is a fake made from the API reference (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SubscribeToShard.html): every consumer's
// stream has one shard, and that has three records.
type kinesis struct{ *jsonService }

func newKinesis() backend {
	return kinesis{&jsonService{version: "1.1", target: "Kinesis_20131202", namespace: "com.amazonaws.kinesis.v20131202"}}
}

const (
	kinesisShard   = "shardId-000000000000"
	kinesisRecords = 3
)

type subscription struct {
	ConsumerARN, ShardId string
	StartingPosition     struct{ Type string }
}

func (k kinesis) serve(w http.ResponseWriter, r *http.Request, body []byte, id string) {
	if r.Header.Get("X-Amz-Target") != k.target+".SubscribeToShard" {
		k.jsonService.serve(w, r, body, id)
		return
	}
	var in subscription
	switch err := json.Unmarshal(body, &in); {
	case err != nil:
		k.fail(w, id, &apiError{http.StatusBadRequest, "SerializationException", err.Error()})
	case in.ConsumerARN == "" || in.StartingPosition.Type == "":
		k.fail(w, id, &apiError{http.StatusBadRequest, "ValidationException", "ConsumerARN and StartingPosition are required"})
	case in.ShardId != kinesisShard:
		k.fail(w, id, &apiError{http.StatusBadRequest, "ResourceNotFoundException", fmt.Sprintf("the lab has shard %s only", kinesisShard)})
	default:
		k.stream(w, id)
	}
}

// stream answers with an event stream, an event at a time: https://smithy.io/2.0/aws/amazon-eventstream.html
func (kinesis) stream(w http.ResponseWriter, id string) {
	// A service takes a moment. If the answer overtakes net/http's last look at the request's body, its writeLoop closes the connection under the stream,
	// although all was written: smithy-go v1.28.8 closes the body when the answer comes, and a closed body's WriteTo returns io.EOF.
	time.Sleep(20 * time.Millisecond)
	w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	w.Header().Set("X-Amzn-Requestid", id)
	send := func(name string, event object) {
		payload, _ := json.Marshal(event) // plain values: cannot fail
		message := eventstream.Message{Payload: payload}
		message.Headers.Set(eventstreamapi.MessageTypeHeader, eventstream.StringValue(eventstreamapi.EventMessageType))
		message.Headers.Set(eventstreamapi.EventTypeHeader, eventstream.StringValue(name))
		message.Headers.Set(eventstreamapi.ContentTypeHeader, eventstream.StringValue("application/x-amz-json-1.1"))
		_ = eventstream.NewEncoder().Encode(w, message) // a client that is gone needs no answer
		_ = http.NewResponseController(w).Flush()
	}
	send("initial-response", object{})
	for i := range kinesisRecords {
		number := strconv.Itoa(i + 1)
		send("SubscribeToShardEvent", object{
			"ContinuationSequenceNumber": number, "MillisBehindLatest": 0,
			"Records": []object{{
				"ApproximateArrivalTimestamp": time.Now().Unix(), "Data": []byte("record " + number), "PartitionKey": "lab", "SequenceNumber": number,
			}},
		})
	}
}
