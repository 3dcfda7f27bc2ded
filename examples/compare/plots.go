package main

func (r Report) writeFiles(dir string) error { return nil }
