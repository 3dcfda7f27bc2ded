package middleware

import "testing"

// Given what a retry costs, when as many errors as the quota has are handed to the SDK at once, then its 500 tokens pay for them.
func TestRetryQuotaIsPaidFor(t *testing.T) {
	for price, errors := range map[int]int{5: quotaUsual, 14: quotaNew} {
		if price*errors > 500 {
			t.Errorf("%d retries take %d tokens each, more than 500", errors, price)
		}
	}
}

// Given two endpoints, when their quotas are asked for again, then each has its own, and the same as before.
func TestRetryQuotaOfAnEndpoint(t *testing.T) {
	var q quotas
	one, other := q.quotaOf("vpce-1"), q.quotaOf("vpce-2")
	if one == other || q.quotaOf("vpce-1") != one || q.quotaOf("vpce-2") != other {
		t.Error("the quotas aren't the endpoints' own")
	}
}
