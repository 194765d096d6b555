package trial

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"
)

func killRows() []Row {
	return []Row{{Name: "kill", Fault: "SIGKILL at a random moment of each writer", Run: kill}}
}

// kill kills each writer at some moment of the time that it takes. One that had come to its end
// before is held to what it said; of the others, each file is the old or the new.
func kill(t *Trials, n int) {
	seeds := t.seed(3)
	all := writers()
	took := make([]time.Duration, len(all))
	for i, w := range all {
		dir := w.prepare(t)
		start := time.Now()
		r := t.RunIn(dir, w.argv(t)...)
		took[i] = time.Since(start)
		w.whole(t, w.name+", not killed", dir, r)
	}
	killed := 0
	for i := range n {
		w := all[i%len(all)]
		dir := w.prepare(t)
		ctx, cancel := context.WithTimeout(context.Background(), t.Limit)
		cmd := t.command(ctx, dir, w.argv(t)...)
		var out, said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &said
		if err := cmd.Start(); err != nil {
			t.lose("%s: %v", w.name, err)
			cancel()
			continue
		}
		moment := time.Duration(rand.Int64N(int64(took[i%len(all)])))
		time.Sleep(moment)
		pid := cmd.Process.Pid
		if i/len(all)%2 == 0 {
			pid = -pid // and what it started
		}
		syscall.Kill(pid, syscall.SIGKILL)
		_ = cmd.Wait()
		cancel()
		t.Count++
		what := fmt.Sprintf("%s, killed after %v", w.name, moment)
		r := Result{Stdout: out.String(), Stderr: said.String(), Code: cmd.ProcessState.ExitCode()}
		if cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled() {
			killed++
			if w.name == "python" || w.name == "uv" || w.name == "fold" {
				continue // nothing was promised yet
			}
			r.Code = 128 + 9
		}
		w.whole(t, what, dir, r)
	}
	t.figure("%d killed, the others had ended", killed)
	if n > 20 && killed == 0 {
		t.lose("nothing was killed")
	}
	t.keeps("in the end", seeds...)
	t.settled("in the end", t.undisturbed)
}
