// Package archtest proves the shape of the house; see its tests.
package archtest
