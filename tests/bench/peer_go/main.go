// A peer of `./dev bench gather`: a pool of goroutines around net/http's client, on one processor.
//
// peer_go BASE COUNT CONCURRENCY fetches BASE0, BASE1, ... and prints one JSON object.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

type tally struct {
	ok, bodyBytes int64
}

func newClient(concurrency int) *http.Client {
	return &http.Client{Transport: &http.Transport{
		MaxConnsPerHost:     concurrency, // else a worker dials anew before its last connection is back in the pool
		MaxIdleConns:        concurrency,
		MaxIdleConnsPerHost: concurrency,
		DisableCompression:  true,
	}}
}

func fetch(client *http.Client, url string) (status int, size int64, err error) {
	response, err := client.Get(url)
	if err != nil {
		return 0, 0, err
	}
	defer response.Body.Close()
	size, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, size, err
}

func work(client *http.Client, base string, indices <-chan int) (sum tally) {
	for i := range indices {
		status, size, err := fetch(client, base+strconv.Itoa(i))
		if err == nil && status == http.StatusOK {
			sum.ok++
		}
		sum.bodyBytes += size
	}
	return sum
}

func fetchAll(base string, count, concurrency int) (total tally) {
	client := newClient(concurrency)
	indices := make(chan int, concurrency)
	tallies := make([]tally, concurrency)

	var workers sync.WaitGroup
	for w := 0; w < concurrency; w++ {
		workers.Add(1)
		go func(w int) {
			defer workers.Done()
			tallies[w] = work(client, base, indices)
		}(w)
	}
	for i := 0; i < count; i++ {
		indices <- i
	}
	close(indices)
	workers.Wait()

	for _, t := range tallies {
		total.ok += t.ok
		total.bodyBytes += t.bodyBytes
	}
	return total
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		log.Fatal(err)
	}
	return n
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: peer_go BASE COUNT CONCURRENCY")
	}
	runtime.GOMAXPROCS(1)

	start, cpu := time.Now(), cpuTime()
	total := fetchAll(os.Args[1], number(os.Args[2]), number(os.Args[3]))
	wall, cpu := time.Since(start), cpuTime()-cpu

	fmt.Printf("{\"ok\": %d, \"body_bytes\": %d, \"wall_s\": %.6f, \"cpu_s\": %.6f}\n",
		total.ok, total.bodyBytes, wall.Seconds(), cpu.Seconds())
}
