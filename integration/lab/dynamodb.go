package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// dynamodb is a fake made from the API reference (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/): tables whose key is one string,
// "pk"; whole items; the one condition that makes a write idempotent, attribute_not_exists(pk).
type dynamodb struct {
	region string

	mu     sync.Mutex
	tables map[string]map[string]item // by table name and key
}

type item map[string]json.RawMessage

var tableName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

func newDynamoDB(region string, tables []string) (backend, error) {
	d := &dynamodb{region: region, tables: map[string]map[string]item{}}
	for _, name := range tables {
		if !tableName.MatchString(name) {
			return nil, fmt.Errorf("table %q: a name has 3 to 255 letters, digits, _ . or -", name)
		}
		d.tables[name] = map[string]item{}
	}
	return &jsonService{
		target: "DynamoDB_20120810", namespace: "com.amazonaws.dynamodb.v20120810", checksum: true,
		call: map[string]func(context.Context, []byte) (any, *apiError){
			"PutItem":       on(d.putItem),
			"GetItem":       on(d.getItem),
			"DescribeTable": on(d.describeTable),
			"ListTables":    on(d.listTables),
		},
	}, nil
}

type dynamodbInput struct {
	TableName, ConditionExpression, ReturnValues string
	ExpressionAttributeNames                     map[string]string
	Item, Key                                    item
}

func invalid(format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "ValidationException", fmt.Sprintf(format, args...)}
}

func (d *dynamodb) putItem(_ context.Context, in dynamodbInput) (any, *apiError) {
	d.mu.Lock()
	defer d.mu.Unlock()
	table, key, err := d.locateLocked(in.TableName, in.Item)
	if err != nil {
		return nil, err
	}
	old, exists := table[key]
	if in.ConditionExpression != "" {
		name, ok := strings.CutPrefix(strings.ReplaceAll(in.ConditionExpression, " ", ""), "attribute_not_exists(")
		name, closed := strings.CutSuffix(name, ")")
		if alias, ok := in.ExpressionAttributeNames[name]; ok {
			name = alias
		}
		if !ok || !closed || name != "pk" {
			return nil, invalid("the lab's only condition is attribute_not_exists(pk), not %s", in.ConditionExpression)
		}
		if exists {
			return nil, &apiError{http.StatusBadRequest, "ConditionalCheckFailedException", "The conditional request failed"}
		}
	}
	table[key] = in.Item
	if exists && in.ReturnValues == "ALL_OLD" {
		return object{"Attributes": old}, nil
	}
	return object{}, nil
}

func (d *dynamodb) getItem(_ context.Context, in dynamodbInput) (any, *apiError) {
	d.mu.Lock()
	defer d.mu.Unlock()
	table, key, err := d.locateLocked(in.TableName, in.Key)
	if err != nil {
		return nil, err
	}
	if found, ok := table[key]; ok {
		return object{"Item": found}, nil
	}
	return object{}, nil
}

// locateLocked finds the table and reads the key of an item.
func (d *dynamodb) locateLocked(name string, it item) (map[string]item, string, *apiError) {
	table, ok := d.tables[name]
	if !ok {
		return nil, "", &apiError{http.StatusBadRequest, "ResourceNotFoundException", "Requested resource not found: Table: " + name + " not found"}
	}
	var key struct{ S *string }
	if err := json.Unmarshal(it["pk"], &key); err != nil || key.S == nil || *key.S == "" {
		return nil, "", invalid("One or more parameter values were invalid: Missing the key pk in the item")
	}
	return table, *key.S, nil
}

func (d *dynamodb) describeTable(_ context.Context, in dynamodbInput) (any, *apiError) {
	d.mu.Lock()
	defer d.mu.Unlock()
	table, ok := d.tables[in.TableName]
	if !ok {
		return nil, &apiError{http.StatusBadRequest, "ResourceNotFoundException", "Requested resource not found: Table: " + in.TableName + " not found"}
	}
	return object{"Table": object{
		"TableName": in.TableName, "TableStatus": "ACTIVE", "ItemCount": len(table),
		"TableArn":             "arn:aws:dynamodb:" + d.region + ":" + Account + ":table/" + in.TableName,
		"KeySchema":            []object{{"AttributeName": "pk", "KeyType": "HASH"}},
		"AttributeDefinitions": []object{{"AttributeName": "pk", "AttributeType": "S"}},
	}}, nil
}

func (d *dynamodb) listTables(context.Context, dynamodbInput) (any, *apiError) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return object{"TableNames": slices.Sorted(maps.Keys(d.tables))}, nil
}
