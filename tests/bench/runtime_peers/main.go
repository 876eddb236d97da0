// Go: goroutines on one processor, where not said otherwise.
package main

import (
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

const many = 100000

// What one of the n operations of run(n) takes, in the fastest of many rounds.
func fastest(rounds, n int, run func(n int)) float64 {
	run(n)
	best := time.Duration(1 << 62)
	for i := 0; i < rounds; i++ {
		start := time.Now()
		run(n)
		if took := time.Since(start); took < best {
			best = took
		}
	}
	return float64(best.Nanoseconds()) / float64(n)
}

// Each of so many goroutines yields nEach times; they wait at a barrier before the time is taken.
func yields(tasks, nEach int) float64 {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(tasks)
	done.Add(tasks)
	for i := 0; i < tasks; i++ {
		go func() {
			ready.Done()
			<-start
			for n := 0; n < nEach; n++ {
				runtime.Gosched()
			}
			done.Done()
		}()
	}
	ready.Wait()
	began := time.Now()
	close(start)
	done.Wait()
	return float64(time.Since(began).Nanoseconds()) / float64(tasks*nEach)
}

func fastestYield(rounds, tasks, nEach int) float64 {
	best := yields(tasks, nEach)
	for i := 1; i < rounds; i++ {
		if each := yields(tasks, nEach); each < best {
			best = each
		}
	}
	return best
}

func spawnAndJoin(live int) func(n int) {
	return func(n int) {
		for i := 0; i < n; i += live {
			var done sync.WaitGroup
			done.Add(live)
			for j := 0; j < live; j++ {
				go done.Done()
			}
			done.Wait()
		}
	}
}

func passItems(n int) {
	items := make(chan int, 100)
	go func() {
		for i := 0; i < n; i++ {
			items <- i
		}
	}()
	for i := 0; i < n; i++ {
		<-items
	}
}

func someDeadline() time.Duration {
	return time.Second + time.Duration(rand.Int63n(int64(time.Minute)))
}

func armAmongMany() float64 {
	for i := 0; i < many; i++ {
		time.AfterFunc(someDeadline(), func() {})
	}
	return fastest(100, 1000, func(n int) {
		for i := 0; i < n; i++ {
			time.AfterFunc(someDeadline(), func() {}).Stop()
		}
	})
}

func memoryBytes() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	sum := 0
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, "VmRSS:") || strings.HasPrefix(line, "VmPTE:") {
			kib, _ := strconv.Atoi(strings.Fields(line)[1])
			sum += kib * 1024
		}
	}
	return float64(sum)
}

func parkMany(visit func() float64) float64 {
	var ready, done sync.WaitGroup
	release := make(chan struct{})
	ready.Add(many)
	done.Add(many)
	for i := 0; i < many; i++ {
		go func() {
			ready.Done()
			<-release
			done.Done()
		}()
	}
	ready.Wait()
	value := visit()
	close(release)
	done.Wait()
	return value
}

func parkedBytes() float64 {
	before := memoryBytes()
	return parkMany(func() float64 { return (memoryBytes() - before) / many })
}

// On all processors, from goroutines that have threads of their own.
func wakeups() float64 {
	const threads, each = 4, 250000
	runtime.GOMAXPROCS(runtime.NumCPU())
	calls := make(chan int, 1024)
	start := time.Now()
	for i := 0; i < threads; i++ {
		go func() {
			runtime.LockOSThread()
			for j := 0; j < each; j++ {
				calls <- j
			}
		}()
	}
	for i := 0; i < threads*each; i++ {
		<-calls
	}
	return float64(time.Since(start).Nanoseconds()) / (threads * each)
}

var figures = []struct {
	name    string
	measure func() float64
}{
	{"yield_ns", func() float64 { return fastestYield(200, 10, 500) }},
	{"yield_100000_ns", func() float64 { return fastestYield(5, many, 20) }},
	{"spawn_join_10_ns", func() float64 { return fastest(200, 1000, spawnAndJoin(10)) }},
	{"spawn_join_ns", func() float64 { return fastest(200, 1000, spawnAndJoin(1000)) }},
	{"spawn_join_100000_ns", func() float64 { return fastest(5, many, spawnAndJoin(many)) }},
	{"queue_item_ns", func() float64 { return fastest(200, 5000, passItems) }},
	{"timer_ns", armAmongMany},
	{"parked_task_bytes", parkedBytes},
	{"thread_wakeup_ns", wakeups},
}

func main() {
	runtime.GOMAXPROCS(1)
	for _, figure := range figures {
		if len(os.Args) == 1 {
			fmt.Println(figure.name)
		} else if os.Args[1] == figure.name {
			fmt.Printf("%.3f\n", figure.measure())
		}
	}
}
