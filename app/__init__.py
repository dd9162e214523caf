"""The Streamlit app: reads the store, asks for jobs, draws. It never imports torch."""
