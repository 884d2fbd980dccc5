package gpio

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
)

func TestALineIsNamedAsPeopleWriteIt(t *testing.T) {
	for s, want := range map[string]Spec{
		"gpio:GPIO17": {"GPIO17", false}, "gpio:GPIO17:low": {"GPIO17", true}, "gpio:a:b": {"a:b", false}, "gpio:low": {"low", false},
	} {
		if got, err := Parse(s); err != nil || got != want {
			t.Errorf("%q is %+v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "GPIO17", "gpio:", "gpio::low", "gpio:a b", "gpio:a\x00"} {
		if got, err := Parse(s); err == nil {
			t.Errorf("%q is %+v", s, got)
		}
	}
}

// What the kernel does with lines is shown in test/board, by the same questions.
func TestAFakeLineIsAsStrictAsTheKernel(t *testing.T) {
	f := NewFake("LED", "KEY", "ACT", "")
	f.Claim("ACT", "kernel light")
	if _, err := f.Output(Spec{Line: "ACT"}); !errors.Is(err, ErrClaimed) || !strings.Contains(err.Error(), "kernel light") {
		t.Errorf("a line of the kernel's: %v", err)
	}
	if _, err := f.Output(Spec{Line: "GPIO99"}); !errors.Is(err, ErrNoLine) || !strings.Contains(err.Error(), "ACT, KEY, LED") {
		t.Errorf("a line that is not there: %v", err)
	}
	o, err := f.Output(Spec{Line: "LED", Low: true})
	if err != nil || !f.High("LED") {
		t.Fatalf("a light that is lit by low voltage: %v, high %v", err, f.High("LED"))
	}
	if err := f.Watch(t.Context(), Spec{Line: "LED"}, nil); !errors.Is(err, ErrClaimed) {
		t.Errorf("claimed twice: %v", err)
	}
	if err := o.Set(true); err != nil || f.High("LED") {
		t.Errorf("on: %v, high %v", err, f.High("LED"))
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Output(Spec{Line: "LED"}); err != nil {
		t.Errorf("given back and claimed again: %v", err)
	}
}

func TestAFakeLineTellsItsEdges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFake("KEY")
		f.Drive("KEY", true)
		ctx, cancel := context.WithCancel(t.Context())
		var seen []bool
		done := make(chan error, 1)
		go func() {
			done <- f.Watch(ctx, Spec{Line: "KEY", Low: true}, func(on bool) { seen = append(seen, on) })
		}()
		synctest.Wait()
		for _, high := range []bool{false, false, true} {
			f.Drive("KEY", high)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) || len(seen) != 2 || !seen[0] || seen[1] {
			t.Errorf("edges %v, %v; want pressed, released", seen, err)
		}
	})
}

func TestOnAMachineWithoutControllersThereIsNoLine(t *testing.T) {
	if _, err := (Chips{}).Output(Spec{Line: "no line is called this"}); !errors.Is(err, ErrNoLine) {
		t.Errorf("%v", err)
	}
}
