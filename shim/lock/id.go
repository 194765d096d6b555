package lock

import (
	"errors"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// idDigits are Crockford's, as in a ULID: in ASCII order, without I, L, O and U.
const idDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const idLen = 26

// newID returns a ULID: 48 bits of milliseconds and 80 more, here the nanoseconds within the
// millisecond and 60 random bits, so that the ids of one process sort as they were made.
func newID(t time.Time) (string, error) {
	var b [16]byte
	for n := 0; n < 8; {
		got, err := unix.Getrandom(b[8+n:], 0)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return "", err
		}
		n += max(got, 0)
	}
	millis, nanos := uint64(max(t.UnixMilli(), 0)), uint64(t.Nanosecond()%1e6)
	for i := range 6 {
		b[i] = byte(millis >> (40 - 8*i))
	}
	b[6], b[7] = byte(nanos>>12), byte(nanos>>4)
	b[8] = byte(nanos<<4) | b[8]&15

	id := make([]byte, idLen)
	bits, have := uint(0), 2 // 130 bits of digits for 128: the first digit has two fewer
	next := 0
	for i := range id {
		if have < 5 {
			bits, have, next = bits<<8|uint(b[next]), have+8, next+1
		}
		have -= 5
		id[i] = idDigits[bits>>have&31]
	}
	return string(id), nil
}

func validID(id string) bool {
	return len(id) == idLen && strings.Trim(id, idDigits) == ""
}

// idTime returns the time, to the millisecond, of a valid id.
func idTime(id string) time.Time {
	var millis int64
	for _, c := range id[:10] {
		millis = millis<<5 | int64(strings.IndexRune(idDigits, c))
	}
	return time.UnixMilli(millis)
}
