// Reads a JSON list of YAML texts, and writes what three of Go's readers make of the key "a" of each.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	v2 "gopkg.in/yaml.v2"
	v3 "gopkg.in/yaml.v3"
	sigs "sigs.k8s.io/yaml"
)

type reader func([]byte, interface{}) error

func main() {
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		panic(err)
	}
	readers := map[string]reader{
		"yaml.v2": v2.Unmarshal,
		"yaml.v3": v3.Unmarshal,
		"sigs":    func(text []byte, into interface{}) error { return sigs.Unmarshal(text, into) },
	}
	found := map[string][][2]string{}
	for name, read := range readers {
		for _, text := range texts {
			found[name] = append(found[name], look(read, text))
		}
	}
	json.NewEncoder(os.Stdout).Encode(found)
}

func look(read reader, text string) [2]string {
	values := map[string]interface{}{}
	if err := read([]byte(text), &values); err != nil {
		return [2]string{"error", ""}
	}
	switch value := values["a"].(type) {
	case nil:
		return [2]string{"null", ""}
	case string:
		return [2]string{"string", value}
	case bool:
		return [2]string{"boolean", ""}
	case time.Time:
		return [2]string{"time", ""}
	case int, int64, uint64, float64:
		return [2]string{"number", ""}
	default:
		return [2]string{fmt.Sprintf("%T", value), ""}
	}
}
