package config

import (
	"reflect"
)

// keys returns every key of the configuration, dotted.
func keys() (out []string) {
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		table := t.Field(i)
		if table.Type.Kind() == reflect.Slice {
			table.Type = table.Type.Elem()
		}
		for j := range table.Type.NumField() {
			out = append(out, table.Tag.Get("toml")+"."+table.Type.Field(j).Tag.Get("toml"))
		}
	}
	return out
}
