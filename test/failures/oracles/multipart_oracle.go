// Reads answers to batches with Go's mime/multipart and net/http. Each input line and output line
// is JSON.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"os"
)

type part struct {
	Status int         `json:"status"`
	Fields [][2]string `json:"fields"`
	Body   []byte      `json:"body"`
}

type answer struct {
	Closed bool    `json:"closed"`
	Parts  []*part `json:"parts"`
}

func readPart(content []byte) *part {
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(content)), nil)
	if err != nil {
		return nil
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil
	}
	read := &part{Status: response.StatusCode, Fields: [][2]string{}, Body: body}
	for name, values := range response.Header {
		for _, value := range values {
			read.Fields = append(read.Fields, [2]string{name, latin1(value)})
		}
	}
	return read
}

// latin1 returns each byte as one character, as the other readers do.
func latin1(value string) string {
	characters := make([]rune, len(value))
	for i := 0; i < len(value); i++ {
		characters[i] = rune(value[i])
	}
	return string(characters)
}

func readAnswer(boundary string, body []byte) answer {
	read := answer{Parts: []*part{}}
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		next, err := reader.NextRawPart()
		if err == io.EOF {
			read.Closed = true
			return read
		}
		if err != nil {
			return read
		}
		content, err := io.ReadAll(next)
		if err != nil {
			return read
		}
		read.Parts = append(read.Parts, readPart(content))
	}
}

func main() {
	in := json.NewDecoder(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for {
		var asked struct {
			Boundary string `json:"boundary"`
			Body     []byte `json:"body"`
		}
		if in.Decode(&asked) != nil {
			return
		}
		if out.Encode(readAnswer(asked.Boundary, asked.Body)) != nil {
			return
		}
	}
}
