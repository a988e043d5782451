// Package address holds the address at which the client of a request sees the collector. The
// server finds it out once, from the request and the headers of trusted proxies, and puts it
// into the context of the request. Links, cookies, redirects and upload URLs follow it.
package address
