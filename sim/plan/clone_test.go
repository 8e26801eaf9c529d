package plan

import (
	"fmt"
	"reflect"
	"testing"
)

// filled gives everything below v a value: each list two entries, each pointer something to point at.
func filled(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			filled(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			filled(v.Index(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem())
	}
}

// shared lists the places in which two values refer to the same memory.
func shared(at string, a, b reflect.Value) (places []string) {
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			places = append(places, shared(at+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))...)
		}
	case reflect.Slice:
		if a.Pointer() == b.Pointer() {
			return []string{at}
		}
		for i := range a.Len() {
			places = append(places, shared(fmt.Sprintf("%s[%d]", at, i), a.Index(i), b.Index(i))...)
		}
	case reflect.Pointer:
		if a.Pointer() == b.Pointer() {
			return []string{at}
		}
		places = shared(at, a.Elem(), b.Elem())
	}
	return places
}

// A clone has all that its plan has, and shares none of it: whatever fields plans get.
func TestACloneSharesNothing(t *testing.T) {
	p := new(Plan)
	filled(reflect.ValueOf(p).Elem())
	c := p.Clone()
	if !reflect.DeepEqual(p, c) {
		t.Errorf("the clone of\n%+v\nis\n%+v", p, c)
	}
	if places := shared("plan", reflect.ValueOf(p).Elem(), reflect.ValueOf(c).Elem()); len(places) > 0 {
		t.Errorf("a plan and its clone share %v", places)
	}
}
