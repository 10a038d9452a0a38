// A receiver of ringback's callbacks: Go's standard library alone, and a file that only grows.
//
// A callback is answered success once it is on disk in inbox.ndjson, and worked on afterwards. The function process is the place
// for your code. Settings come from the environment; README.md in the folder above lists them.
package main

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	bodyMax   = 1 << 20
	tolerance = 5 * time.Minute
)

// receiver is one HTTP handler with what it needs to know.
type receiver struct {
	// Several while a secret is being rotated.
	secrets           [][]byte
	appKey, appSecret string
	inbox             *inbox
}

func main() {
	inbox, err := openInbox(setting("DATA_DIR", "data"))
	if err != nil {
		log.Fatal(err)
	}
	r := &receiver{appKey: os.Getenv("RINGBACK_APP_KEY"), appSecret: os.Getenv("RINGBACK_APP_SECRET"), inbox: inbox}
	for _, secret := range strings.Split(os.Getenv("RINGBACK_SECRET"), ",") {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(secret), "whsec_"))
		// An empty one would let everybody in.
		if err != nil || len(key) == 0 {
			log.Fatal("RINGBACK_SECRET: must be one or more whsec_…, separated by commas")
		}
		r.secrets = append(r.secrets, key)
	}
	go inbox.work(process)

	mux := http.NewServeMux()
	mux.HandleFunc("/callbacks", r.receive)
	if os.Getenv("RINGBACK_JOURNAL") == "1" {
		mux.HandleFunc("/journal", inbox.journal)
	}
	server := http.Server{
		Addr:    "127.0.0.1:" + setting("PORT", "8080"),
		Handler: mux,
		// Nobody may hold a connection for ever.
		ReadTimeout: 30 * time.Second,
		IdleTimeout: time.Minute,
	}
	log.Fatal(server.ListenAndServe())
}

// process is your code. It may take its time. If the machine fails at the wrong moment it is called again with the same callback.
func process(e *event) error {
	fmt.Printf("%s %s: apply %s\n", e.Kind, e.Key, e.Apply)
	return nil
}

func (r *receiver) receive(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodPost {
		answer(w, http.StatusMethodNotAllowed, "fail")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, bodyMax))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		answer(w, http.StatusRequestEntityTooLarge, "fail")
		return
	} else if err != nil {
		answer(w, http.StatusBadRequest, "fail")
		return
	}
	if !r.signatureFits(req.Header, body) {
		answer(w, http.StatusUnauthorized, "fail")
		return
	}
	e, c, err := read(req.Header.Get("webhook-id"), body)
	if err != nil {
		answer(w, http.StatusBadRequest, "fail")
		return
	}
	if (e.Kind == "call" || e.Kind == "inbound") && !r.signFits(c) {
		answer(w, http.StatusUnauthorized, "fail")
		return
	}
	r.inbox.store(e)
	answer(w, http.StatusOK, "success")
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("content-type", "text/plain;charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, text)
}

// signatureFits checks Standard Webhooks, over the raw body: parsed and written again, it would be other bytes.
func (r *receiver) signatureFits(header http.Header, body []byte) bool {
	id, sent := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(sent, 10, 64)
	if id == "" || err != nil {
		return false
	}
	if off := time.Since(time.Unix(seconds, 0)); off > tolerance || off < -tolerance {
		return false
	}
	fits := false
	for _, secret := range r.secrets {
		mac := hmac.New(sha256.New, secret)
		fmt.Fprintf(mac, "%s.%s.", id, sent)
		mac.Write(body)
		expected := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		for _, given := range strings.Split(header.Get("webhook-signature"), " ") {
			fits = hmac.Equal([]byte(given), expected) || fits
		}
	}
	return fits
}

// signFits checks the platform's own sign, which does not cover the body: a second check, never the only one. Version two
// has none.
func (r *receiver) signFits(c *callback) bool {
	if r.appKey == "" || c.Data.Data.CallInstance != nil {
		return true
	}
	mac := hmac.New(sha1.New, []byte(r.appSecret))
	fmt.Fprintf(mac, "%s\n%s", r.appKey, c.Data.Data.DateTime)
	return hmac.Equal([]byte(c.Data.Data.Sign), []byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))))
}

// callback has the fields that this receiver asks for. All others can be null, absent or new; process reads them from the body.
type callback struct {
	Data *struct {
		// The names of the first version, and of the second (profile v2).
		DataType, CallbackType string
		Data                   struct {
			// Of a call.
			SceneInstance, CallInstance *struct{ CompanyId, CallInstanceId, InboundInstanceId *int64 }
			// Of a correction.
			TaskResult     []struct{ CompanyId, SceneInstanceId *int64 }
			Sign, DateTime string
			// Of a job.
			CompanyId, CallJobId *int64
		}
	}
}

// read finds out what came, and the key whose events have an order.
func read(id string, body []byte) (*event, *callback, error) {
	c := new(callback)
	if !utf8.Valid(body) {
		return nil, nil, errors.New("is not UTF-8")
	}
	if err := json.Unmarshal(body, c); err != nil {
		return nil, nil, err
	}
	if c.Data == nil {
		return nil, nil, errors.New("data: is missing")
	}
	data, dataType := &c.Data.Data, c.Data.DataType+c.Data.CallbackType
	call := data.SceneInstance
	if call == nil {
		call = data.CallInstance
	}
	e := &event{WebhookID: id, Body: string(body)}
	var company, number *int64
	switch {
	case dataType == "CALL_INSTANCE_RESULT" && call != nil:
		e.Kind, e.Key, company, number = "call", "call", call.CompanyId, call.CallInstanceId
	case dataType == "CALL_INSTANCE_RESULT" && len(data.TaskResult) > 0:
		// A correction belongs to its call, so that the two have one key.
		e.Kind, e.Key, company, number = "correction", "call", data.TaskResult[0].CompanyId, data.TaskResult[0].SceneInstanceId
	case dataType == "INBOUND_CALL_INSTANCE_RESULT" && call != nil:
		e.Kind, e.Key, company, number = "inbound", "inbound", call.CompanyId, call.InboundInstanceId
	case dataType == "JOB_INFO_RESULT":
		e.Kind, e.Key, company, number = "job", "job", data.CompanyId, data.CallJobId
	case dataType == "CALL_INSTANCE_RESULT", dataType == "INBOUND_CALL_INSTANCE_RESULT", dataType == "":
		return nil, nil, errors.New("data: is no callback")
	default:
		// A kind of the future: kept, since a refusal would only bring it again.
		e.Kind = "unknown"
		return e, c, nil
	}
	if company == nil || number == nil {
		return nil, nil, errors.New("data: has no ids")
	}
	e.Key = fmt.Sprintf("%s/%d/%d", e.Key, *company, *number)
	return e, c, nil
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
