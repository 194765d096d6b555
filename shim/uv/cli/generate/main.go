// Command generate asks a uv for its commands and options and writes them as the table of package
// cli. What uv tells comes from three places, since none tells all: the completions for zsh name
// every option, hidden ones too, and which take a value; the help texts name the variable that
// stands for an option, and where a program's own arguments begin; and the refusals of the parser
// itself confirm what none of them tells, the hidden aliases (see aliases.go).
//
//	go run ./shim/uv/cli/generate PATH-TO-UV [OUTPUT]
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	flag.Parse()
	if flag.NArg() < 1 || flag.NArg() > 2 {
		log.Fatal("usage: generate PATH-TO-UV [OUTPUT]")
	}
	text, err := Table(flag.Arg(0))
	if err != nil {
		log.Fatalf("generating the table of uv's options: %v", err)
	}
	if flag.NArg() == 1 {
		fmt.Print(text)
		return
	}
	if err := os.WriteFile(flag.Arg(1), []byte(text), 0o666); err != nil {
		log.Fatal(err)
	}
}
