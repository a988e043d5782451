// Package xsstest has strings that break pages which do not escape what was logged, and a
// strict check of HTML that was made of them. Only tests import it.
package xsstest
