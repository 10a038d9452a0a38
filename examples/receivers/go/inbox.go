package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// event is one line of the inbox. A line with Done alone says that the event of that id has been processed.
type event struct {
	WebhookID string `json:"webhookId,omitempty"`
	Kind      string `json:"kind,omitempty"`
	Key       string `json:"key,omitempty"`
	// Apply is all, without-level or nothing.
	Apply string `json:"apply,omitempty"`
	// Body has the raw bytes: they are UTF-8, so a string keeps them.
	Body string `json:"body,omitempty"`
	Done string `json:"done,omitempty"`
}

// newest are the largest ids of one key: of all its events, and of those that are no corrections.
type newest struct{ any, call string }

// inbox is a file that only grows, and what has to be known of it in memory: about 200 bytes for each event. Where that gets
// too much, take a database with a unique column.
type inbox struct {
	path string
	mu   sync.Mutex
	file *os.File
	// known has every id, and whether its event has been processed.
	known  map[string]bool
	newest map[string]newest
	news   chan struct{}
}

func openInbox(directory string) (*inbox, error) {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(directory, "inbox.ndjson")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	in := &inbox{path: path, file: file, known: map[string]bool{}, newest: map[string]newest{}, news: make(chan struct{}, 1)}
	if err := in.readAll(); err != nil {
		return nil, err
	}
	// The name of a new file has to be on disk, too.
	folder, err := os.Open(directory)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	return in, folder.Sync()
}

func (in *inbox) readAll() error {
	lines, end := bufio.NewReader(in.file), int64(0)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		e := new(event)
		if err := json.Unmarshal(line, e); err != nil {
			return err
		}
		end += int64(len(line))
		if e.Done != "" {
			in.known[e.Done] = true
		} else {
			in.remember(e)
		}
	}
	// A crash can leave half a line at the end. Nobody was told that it is stored.
	if err := in.file.Truncate(end); err != nil {
		return err
	}
	_, err := in.file.Seek(end, io.SeekStart)
	return err
}

// store returns when the event is on disk. What is known already stays as it is.
func (in *inbox) store(e *event) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if _, known := in.known[e.WebhookID]; known {
		return
	}
	e.Apply = in.apply(e)
	in.append(e)
	// Before the sync returned, nothing is on disk, whatever Write said.
	if err := in.file.Sync(); err != nil {
		giveUp(err)
	}
	in.remember(e)
	select {
	case in.news <- struct{}{}:
	default: // The worker has been told already.
	}
}

// apply says what an event may change. A resend can bring an old event after a newer one of its key; a webhook-id sorts by age.
//
// An old event must not overwrite what is newer. But a call that comes after its own correction still brings all that the
// correction does not have: it is applied, save for the level.
func (in *inbox) apply(e *event) string {
	newest := in.newest[e.Key]
	switch {
	case e.Key == "" || e.WebhookID > newest.any:
		return "all"
	case e.Kind == "call" && e.WebhookID > newest.call:
		return "without-level"
	default:
		return "nothing"
	}
}

func (in *inbox) remember(e *event) {
	in.known[e.WebhookID] = false
	if e.Key == "" {
		return
	}
	newest := in.newest[e.Key]
	if e.WebhookID > newest.any {
		newest.any = e.WebhookID
	}
	if e.Kind != "correction" && e.WebhookID > newest.call {
		newest.call = e.WebhookID
	}
	in.newest[e.Key] = newest
}

func (in *inbox) append(e *event) {
	line := new(bytes.Buffer)
	if err := json.NewEncoder(line).Encode(e); err != nil {
		giveUp(err)
	}
	if _, err := in.file.Write(line.Bytes()); err != nil {
		giveUp(err)
	}
}

// giveUp ends the process: after a failed write nobody knows what the file holds. The next start reads what is there, and
// ringback sends again what was not answered.
func giveUp(err error) {
	log.Fatalf("the inbox cannot be written: %v", err)
}

// work reads the file beside those who write it, and hands what is open to process, one after the other.
func (in *inbox) work(process func(*event) error) {
	file, err := os.Open(in.path)
	if err != nil {
		giveUp(err)
	}
	lines, line := bufio.NewReader(file), []byte(nil)
	for {
		part, err := lines.ReadBytes('\n')
		line = append(line, part...)
		if err == io.EOF {
			// At the end, perhaps in the middle of a line.
			<-in.news
			continue
		} else if err != nil {
			giveUp(err)
		}
		e := new(event)
		if err := json.Unmarshal(line, e); err != nil {
			giveUp(err)
		}
		line = line[:0]
		if e.Done != "" || in.isDone(e) {
			continue
		}
		for e.Apply != "nothing" {
			err := process(e)
			if err == nil {
				break
			}
			// It was acknowledged, and ringback will not repeat it.
			log.Printf("%s: %v", e.WebhookID, err)
			time.Sleep(5 * time.Second)
		}
		in.finish(e)
	}
}

func (in *inbox) isDone(e *event) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.known[e.WebhookID]
}

// finish notes that an event is done. It does not wait for the disk: to lose the note costs a repetition of process.
func (in *inbox) finish(e *event) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.append(&event{Done: e.WebhookID})
	in.known[e.WebhookID] = true
}

// journal tells what process was called with, for `ringback conformance`. Not for production: it asks for no credentials.
func (in *inbox) journal(w http.ResponseWriter, _ *http.Request) {
	in.mu.Lock()
	defer in.mu.Unlock()
	file, err := os.Open(in.path)
	if err != nil {
		answer(w, http.StatusInternalServerError, err.Error())
		return
	}
	defer file.Close()
	w.Header().Set("content-type", "application/x-ndjson")
	for lines := json.NewDecoder(file); ; {
		e := new(event)
		if lines.Decode(e) != nil {
			return
		}
		if in.known[e.WebhookID] && e.Apply != "nothing" {
			json.NewEncoder(w).Encode(map[string]any{"webhookId": e.WebhookID, "kind": e.Kind, "processed": true})
		}
	}
}
