package main

import (
	"fmt"
	"strings"
)

// ruleset is one service's endpoint rules: what SDK clients of the second
// version resolve their hosts by, as AWS publishes it
// (https://smithy.io/2.0/additional-specs/rules-engine/specification.html).
type ruleset struct {
	Parameters map[string]struct {
		Required bool
		Default  any
	}
	Rules []rule
}

// rule is a branch of the rules: a tree has rules, a leaf an endpoint or an error.
type rule struct {
	Conditions []condition
	Rules      []rule
	Endpoint   *struct{ URL any }
	Error      any
}

// condition is a function's call whose value has to be there and not false.
type condition struct {
	Fn     string
	Argv   []any
	Assign string
}

// resolve returns the URL that the rules give for a Region. Rules that need
// more of a request than that, as some operations of S3 do, are an error.
func (r ruleset) resolve(region string, p partition) (url string, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case unsupported:
			err = p
		default:
			panic(p)
		}
	}()
	scope := map[string]any{}
	for name, parameter := range r.Parameters {
		if parameter.Default != nil {
			scope[name] = parameter.Default
		}
	}
	scope["Region"] = region
	return evaluation{p, region}.first(r.Rules, scope)
}

// unsupported is what the rules asked for and is not known here.
type unsupported string

func (u unsupported) Error() string { return "the rules need " + string(u) }

// evaluation is for one Region. The functions are those that services whose
// hosts depend on nothing but the Region use.
type evaluation struct {
	partition partition
	region    string
}

func (e evaluation) first(rules []rule, outer map[string]any) (string, error) {
	for _, r := range rules {
		scope := map[string]any{}
		for name, value := range outer {
			scope[name] = value
		}
		if !e.hold(r.Conditions, scope) {
			continue
		}
		switch {
		case r.Endpoint != nil:
			url, _ := e.value(r.Endpoint.URL, scope).(string)
			return url, nil
		case r.Error != nil:
			return "", fmt.Errorf("the rules answer: %v", e.value(r.Error, scope))
		}
		return e.first(r.Rules, scope)
	}
	return "", fmt.Errorf("no rule holds")
}

func (e evaluation) hold(conditions []condition, scope map[string]any) bool {
	for _, c := range conditions {
		value := e.call(c.Fn, c.Argv, scope)
		if value == nil || value == false {
			return false
		}
		if c.Assign != "" {
			scope[c.Assign] = value
		}
	}
	return true
}

func (e evaluation) call(fn string, argv []any, scope map[string]any) any {
	arg := func(i int) any { return e.value(argv[i], scope) }
	switch fn {
	case "isSet":
		return arg(0) != nil
	case "not":
		value := arg(0)
		return value == nil || value == false
	case "booleanEquals", "stringEquals":
		return arg(0) == arg(1)
	case "isValidHostLabel":
		return true // Regions are
	case "aws.partition":
		return e.partition.attributes()
	case "getAttr":
		attributes, _ := arg(0).(map[string]any)
		path, _ := argv[1].(string)
		return attributes[path]
	}
	panic(unsupported(fn))
}

// value is a literal, a reference, a call or a template such as "https://sqs.{Region}.{PartitionResult#dnsSuffix}".
func (e evaluation) value(v any, scope map[string]any) any {
	switch v := v.(type) {
	case map[string]any:
		if name, ok := v["ref"].(string); ok {
			return scope[name]
		}
		fn, _ := v["fn"].(string)
		argv, _ := v["argv"].([]any)
		return e.call(fn, argv, scope)
	case string:
		return e.expand(v, scope)
	}
	return v
}

func (e evaluation) expand(template string, scope map[string]any) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(template, "{")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		expression, after, _ := strings.Cut(rest, "}")
		name, attribute, ofAttribute := strings.Cut(expression, "#")
		value := scope[name]
		if ofAttribute {
			attributes, _ := value.(map[string]any)
			value = attributes[attribute]
		}
		text, ok := value.(string)
		if !ok {
			panic(unsupported("a value of " + expression))
		}
		out.WriteString(text)
		template = after
	}
}
