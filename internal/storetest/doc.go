// Package storetest checks that a store keeps the promises of package store. Each
// store's tests call [Run]; whatever passes can stand behind a collector.
//
// [Lines] draws log lines of a trace for property tests.
package storetest
