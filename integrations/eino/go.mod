module github.com/troupelog/troupe/integrations/eino

go 1.26.0

replace github.com/troupelog/troupe => ../..

require github.com/troupelog/troupe v0.0.0

require github.com/cloudwego/eino v0.7.36 // indirect
